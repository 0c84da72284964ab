/**
 * Which transport to use: the socket, else the stream, else the poll. What
 * worked is remembered for the tab, and the better one is tried again later.
 */

import { TRANSPORTS } from './transports.js'

const KEY = 'transport'
const PATIENCE_MS = 5000
/** A poll needs one round trip where a socket needs several; a stream may wait for a proxy. */
const LAST_PATIENCE_MS = 15000
const CLIMB_MS = 600000
const CLIMB_SOON_MS = 30000
const SHORT_LIFE_MS = 60000
const SHORT_LIVES = 3

/** @typedef {import('./transports.js').Transport} Transport */

export class Ladder {
  /**
   * @param {Transport[]} [transports] The best first.
   * @param {Pick<Storage, 'getItem' | 'setItem' | 'removeItem'> | null} [memory]
   */
  constructor(transports = TRANSPORTS, memory = tabMemory()) {
    this._transports = transports
    this._memory = memory
    this._rung = Math.max(0, transports.findIndex(({ name }) => name === memory?.getItem(KEY)))
    /** The one that caught up last, here or on the page before. */
    this._rungThatWorked = this._rung
    this._topHasWorked = false
    this._isClimbing = false
    this._shortLives = 0
  }

  /** @returns {Transport} */
  get current() {
    return this._transports[this._rung]
  }

  get isLow() {
    return this._rung > 0
  }

  /** How long the current transport may take until everything missed has been sent. */
  get patienceMs() {
    return this._rung === this._transports.length - 1 ? LAST_PATIENCE_MS : PATIENCE_MS
  }

  /** The current transport has caught up. @param {() => void} climb Opens again, for the better transport. */
  succeed(climb) {
    this._rungThatWorked = this._rung
    this._isClimbing = false
    if (this._rung === 0) {
      this._stay()
      this._topHasWorked = true
      this._memory?.removeItem(KEY)
      return
    }
    this._memory?.setItem(KEY, this.current.name)
    const climbToTop = () => {
      this._stay()
      this._rung = 0
      this._isClimbing = true
      climb()
    }
    // A stream succeeds anew each minute, which must not put the climb off.
    this._climbing ??= setTimeout(climbToTop, this._topHasWorked ? CLIMB_SOON_MS : CLIMB_MS)
  }

  _stay() {
    clearTimeout(this._climbing)
    this._climbing = undefined
  }

  /**
   * The current transport ended. Returns whether every transport has failed, so
   * that it is the server or the network and not the way there: then the one that
   * worked last is tried first, as the better ones fail slowly where they fail.
   *
   * @param {boolean} wasUp
   * @param {number} lifeMs
   */
  fail(wasUp, lifeMs) {
    if (wasUp) {
      this._countShortLife(lifeMs)
      return false
    }
    // It worked somewhere else: from here on it is tried seldom.
    if (this._isClimbing) this._topHasWorked = false
    this._isClimbing = false
    if (this._rung < this._transports.length - 1) {
      this._rung++
      return false
    }
    this._rung = this._rungThatWorked
    return true
  }

  /** What failed while there was no network may work now. */
  restart() {
    if (this._topHasWorked) this._rung = 0
  }

  /**
   * Some proxies let a socket open and cut it after half a minute, again and again.
   *
   * @param {number} lifeMs
   */
  _countShortLife(lifeMs) {
    this._shortLives = lifeMs < SHORT_LIFE_MS ? this._shortLives + 1 : 0
    if (this._shortLives < SHORT_LIVES || this._rung === this._transports.length - 1) return
    this._shortLives = 0
    this._topHasWorked = false
    this._rung++
  }

  /** What was remembered is of no use any more; nothing stays in the browser. */
  forget() {
    this._stay()
    this._memory?.removeItem(KEY)
  }
}

/** Storage may be switched off; then every page starts at the top. */
function tabMemory() {
  try {
    return sessionStorage
  } catch {
    return null
  }
}
