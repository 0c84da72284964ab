/**
 * Proof that the other end lives. It asks 25 s after the last thing that was
 * sent while something was heard, and with every heartbeat as well, because browsers slow the timers of
 * hidden pages down. Ten seconds without any frame after that: it is dead.
 */

const ASK_EVERY_MS = 25000
const ANSWER_MS = 10000
const LATE_MS = 3000
/** A transport without pings brings something each 15 or 25 s; after this time without anything it is deaf. */
const SILENCE_MS = 35000

export class Pulse {
  /**
   * @param {object} options
   * @param {boolean} options.canAsk
   * @param {() => void} options.ask Sends a ping.
   * @param {(isLate: boolean) => void} options.onLate The answer is slow, or came after all.
   * @param {() => void} options.onDead
   */
  constructor({ canAsk, ask, onLate, onDead }) {
    this._canAsk = canAsk
    this._send = ask
    this._onLate = onLate
    this._onDead = onDead
    this._isLate = false
    this.heardAt = Date.now()
    this.sent()
    this.heard()
  }

  ask() {
    if (!this._canAsk) return
    this._send()
    this._sentAt = Date.now()
    this._arm()
    if (this._dead) return
    this._late = setTimeout(() => this._setLate(true), LATE_MS)
    this._dead = setTimeout(this._onDead, ANSWER_MS)
  }

  /** What is sent into silence is no reason not to ask. */
  sent() {
    this._sentAt = Date.now()
    if (Date.now() - this.heardAt < ANSWER_MS) this._arm()
  }

  _arm() {
    clearTimeout(this._asking)
    if (this._canAsk) this._asking = setTimeout(() => this.ask(), ASK_EVERY_MS)
  }

  heard() {
    this.heardAt = Date.now()
    clearTimeout(this._late)
    clearTimeout(this._dead)
    this._dead = undefined
    this._setLate(false)
    if (!this._canAsk) this._dead = setTimeout(this._onDead, SILENCE_MS)
  }

  /** A heartbeat came: answer it, unless something was said a moment ago. */
  beat() {
    if (Date.now() - this._sentAt > ANSWER_MS) this.ask()
  }

  stop() {
    for (const timer of [this._asking, this._late, this._dead]) clearTimeout(timer)
  }

  /** @param {boolean} isLate */
  _setLate(isLate) {
    if (isLate === this._isLate) return
    this._isLate = isLate
    this._onLate(isLate)
  }
}
