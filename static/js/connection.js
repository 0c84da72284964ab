/**
 * The one connection of a page, over whichever transport works here. It keeps
 * the place of every conversation, hands on each event once and in order, says
 * hello again when one is missing, and comes back by itself after every fault
 * that allows it. It never shows anything and never stores text.
 *
 * Listeners: `frame:<type>` for every frame, `up` when everything missed has been
 * sent, `away` when the line is lost, so that what comes next may be old, `gone`
 * with {conversation} when one that is followed is not this side's any longer,
 * `reset` with {conversation} when what is held of one cannot be continued and all
 * of it comes again, `state` with {name, closing} when the words for people change.
 */

import { Backoff, shortJitter } from './backoff.js'
import { readClosing } from './closing.js'
import { Emitter } from './emitter.js'
import { newId } from './ids.js'
import { Ladder } from './ladder.js'
import { Pulse } from './pulse.js'

const ABNORMAL = 1006
/** The status of what a desk follows. */
export const ACTIVE = 'active'
const WITHDRAWN = 4104
const OVER = 4105
const BEHIND_MS = 3000
/** A transport that ends itself by plan comes back unseen, unless it ends so soon that it is of no use. */
const USEFUL_LIFE_MS = 5000
const STALE_MS = 5000
/** Longer than any time between two heartbeats: the machine slept, or the way is dead. */
const DEAD_MS = 40000

/** @typedef {import('./transports.js').Frame} Frame */
/** @typedef {'connecting' | 'connected' | 'slow' | 'reconnecting' | 'offline' | 'closed'} State */

export class Connection extends Emitter {
  /**
   * @param {object} options
   * @param {import('./transports.js').Doors} options.doors
   * @param {Record<string, number>} options.after The place held in each conversation.
   * @param {string} [options.epoch]
   * @param {string} [options.build]
   * @param {Ladder} [options.ladder]
   */
  constructor({ doors, after, epoch = '', build = '', ladder = new Ladder() }) {
    super()
    /** @type {State} */
    this.state = 'connecting'
    /** @type {import('./closing.js').Closing | null} Why it is closed for good. */
    this.closing = null
    this.places = new Map(Object.entries(after))
    /** @type {Set<string>} What the last hello asked for. */
    this._asked = new Set()
    /** @type {Set<string>} What ended while a desk was away: it is sent to its end, and is not asked for again. */
    this._over = new Set()
    this.epoch = epoch
    this.isUp = false
    /** What the server calls this side. */
    this.name = ''
    this._ladder = ladder
    this._tab = newId()
    this._doors = doors
    this._build = build
    this._backoff = new Backoff()
    /** Until then the server does not want us back, whatever happens here. */
    this._notBefore = 0
    /** @type {import('./transports.js').Carrier | null} */
    this._carrier = null
    /** @type {Pulse | null} */
    this._pulse = null
    this._line = 0
    this._upSince = 0
  }

  /**
   * Hands a frame to the transport; false when there is none right now.
   *
   * @param {Frame} frame
   */
  send(frame) {
    if (!this.isUp || !this._carrier) return false
    this._carrier.send(frame)
    this._pulse?.sent()
    return true
  }

  /** Connects now, whatever the back-off says. */
  open() {
    if (this.closing) return
    this._drop()
    const line = this._line
    this._transport = this._ladder.current
    this._waiting = setTimeout(() => this._onClose(line, ABNORMAL), this._ladder.patienceMs)
    this._carrier = this._transport.open({
      doors: this._doors,
      hello: () => this._hello(),
      onFrame: (frame) => {
        if (line !== this._line) return
        this._pulse?.heard()
        if (this.isUp && this.state === 'offline') this._setState(this._upState())
        this._onFrame(frame)
      },
      // It came by another way, and says nothing about this one.
      onAnswer: (frame) => line === this._line && this._onFrame(frame),
      onClose: (code) => this._onClose(line, code)
    })
  }

  /** Until `open` is called again, as when the page goes into the browser's cache. */
  rest() {
    if (this.closing) return
    this._drop()
    this._emit('away', null)
    this._setState('reconnecting')
  }

  /** Ends it for good: the conversation is over. */
  stop() {
    if (!this.closing) this._close(readClosing(OVER))
  }

  /** Ends it for good: what it followed is not this page's any longer. */
  withdraw() {
    if (!this.closing) this._close(readClosing(WITHDRAWN))
  }

  /** The person wants this page to be the one, or may have signed in again: what closed it for good is forgotten. */
  revive() {
    this.closing = null
    this._setState('connecting')
    this.open()
  }

  /** Something says that the network may have changed: look at once instead of waiting. */
  check() {
    if (this.closing || performance.now() < this._notBefore) return
    const silentMs = Date.now() - (this._pulse?.heardAt ?? 0)
    const canAsk = this._transport?.pings && silentMs < DEAD_MS
    if (!this.isUp || (silentMs > STALE_MS && !canAsk)) this._openAnew()
    else if (silentMs > STALE_MS) this._pulse?.ask()
  }

  /** What was sent has had no answer for long. Where nobody can be asked, silence has a limit of its own. */
  ask() {
    if (this.isUp && this._transport?.pings) this.check()
  }

  _openAnew() {
    this._emit('away', null)
    this.open()
  }

  /** The network is back: what failed without it says nothing about the transports. */
  comeBack() {
    this._ladder.restart()
    this._backoff.reset()
    this.check()
  }

  /** The browser says that the network is gone; an answer to the ping may prove it wrong. */
  doubt() {
    if (this.closing) return
    this._setState('offline')
    this._pulse?.ask()
  }

  /**
   * Starts to follow a conversation whose events up to `seq` are on the page. What came while that page was on its way is
   * not on it, whatever brought the page: it is missing, as after any gap.
   *
   * @param {string} reference
   * @param {number} seq
   */
  follow(reference, seq) {
    const isBehind = seq < (this.places.get(reference) ?? seq)
    this.places.set(reference, seq)
    // Without a carrier the next hello is still to come.
    if (isBehind && this._carrier) this._comeBack(shortJitter())
  }

  /** The next hello asks for all of it. @param {string} reference */
  forget(reference) {
    this.places.delete(reference)
  }

  /** @returns {Frame} */
  _hello() {
    this._asked = new Set(this.places.keys())
    return {
      type: 'hello',
      after: Object.fromEntries(this.places),
      tab: this._tab,
      ...(this.epoch && { epoch: this.epoch }),
      ...(this._build && { build: this._build })
    }
  }

  /** @param {Frame} frame */
  _onFrame(frame) {
    if (frame.type === 'event' && !this._takePlace(frame)) return
    if (frame.type === 'welcome') this._onWelcome(frame)
    this._emit(`frame:${frame.type}`, frame)
    if (frame.type === 'caught_up') this._onCaughtUp(frame)
    else if (frame.type === 'heartbeat') this._onHeartbeat(frame.last_seq ?? {})
    else if (frame.type === 'reset') this._reset(frame.conversation)
    else if (frame.type === 'reconnect') this._comeBack(shortJitter(), frame.after_ms)
    else if (frame.type === 'welcome' && frame.conversations?.length === 0) this._rise()
  }

  /**
   * A poll may have been asked before somebody took a conversation and be answered after: what it did not ask for, it says
   * nothing about. In another database no place means anything.
   *
   * @param {Frame} frame
   */
  _onWelcome({ epoch = this.epoch, you, conversations = [] }) {
    const isOther = this.epoch !== '' && epoch !== this.epoch
    this.epoch = epoch
    this.name = you?.name ?? this.name
    this._over.clear()
    for (const { conversation, status } of conversations) {
      this._asked.delete(conversation)
      if (you?.kind !== 'visitor' && status !== ACTIVE) this._over.add(conversation)
    }
    for (const conversation of this._asked) {
      this.forget(conversation)
      this._emit('gone', { conversation })
    }
    this._asked.clear()
    if (isOther) for (const conversation of [...this.places.keys()]) this._reset(conversation)
  }

  /**
   * The server sends nothing more of it before the next hello, which asks for all of it and is never reset again.
   *
   * @param {string} conversation
   */
  _reset(conversation) {
    this.forget(conversation)
    this._emit('reset', { conversation })
    this._comeBack(shortJitter())
  }

  /**
   * The gap rule: the next event, or hello again. What was seen before is dropped.
   *
   * @param {Frame} frame
   */
  _takePlace({ conversation, seq }) {
    const place = this.places.get(conversation)
    if (place !== undefined && seq <= place) return false
    if (place !== undefined && seq > place + 1) {
      this._comeBack(shortJitter())
      return false
    }
    this.places.set(conversation, seq)
    return true
  }

  /** @param {Frame} frame */
  _onCaughtUp({ conversation, last_seq: lastSeq }) {
    if (this._over.delete(conversation)) this.forget(conversation)
    else if (conversation && !this.places.has(conversation)) this.places.set(conversation, lastSeq)
    this._rise()
  }

  _rise() {
    if (this.isUp || !this._carrier) return
    clearTimeout(this._waiting)
    this.isUp = true
    this._backoff.reset()
    this._upSince = Date.now()
    this._ladder.succeed(() => this.open())
    const line = this._line
    this._pulse = new Pulse({
      canAsk: this._transport?.pings ?? false,
      ask: () => this._carrier?.send({ type: 'ping' }),
      onLate: (isLate) => this._setState(isLate ? lateState() : this._upState()),
      onDead: () => this._onClose(line, ABNORMAL)
    })
    this._setState(this._upState())
    this._emit('up', null)
  }

  /** @returns {State} */
  _upState() {
    return this._ladder.isLow ? 'slow' : 'connected'
  }

  /**
   * Says how far each conversation is; what is on its way gets a moment to arrive.
   *
   * @param {Record<string, number>} tops
   */
  _onHeartbeat(tops) {
    this._pulse?.beat()
    const isBehind = () => Object.entries(tops).some(([reference, top]) => top > (this.places.get(reference) ?? top))
    clearTimeout(this._comparing)
    if (isBehind()) this._comparing = setTimeout(() => isBehind() && this._comeBack(0), BEHIND_MS)
  }

  /**
   * @param {number} line
   * @param {number} code
   */
  _onClose(line, code) {
    if (line !== this._line || this.closing) return
    const wasUp = this.isUp
    const lifeMs = Date.now() - this._upSince
    const closing = readClosing(code)
    this._drop()
    if (!closing.back) {
      this._close(closing)
    } else if (wasUp && this._transport?.ends && lifeMs > USEFUL_LIFE_MS) {
      this.open()
    } else {
      // Below a transport that fails from the start there may be one that works: it is tried before waiting.
      const hasAnother = code === ABNORMAL && !this._ladder.fail(wasUp, lifeMs) && !wasUp
      this._comeBack(hasAnother ? 0 : this._backoff.next(), closing.afterMs)
    }
  }

  /** @param {import('./closing.js').Closing} closing */
  _close(closing) {
    this.closing = closing
    this._drop()
    this._ladder.forget()
    this._setState('closed', closing)
  }

  /**
   * @param {number} waitMs
   * @param {number} [afterMs] What the server asked for, before which nothing brings us back.
   */
  _comeBack(waitMs, afterMs = 0) {
    this._drop()
    this._emit('away', null)
    this._notBefore = performance.now() + afterMs
    const isFirst = this._upSince === 0 && this._backoff.tries < 2
    this._setState(isOffline() ? 'offline' : isFirst ? 'connecting' : 'reconnecting')
    this._waiting = setTimeout(() => this.open(), afterMs + waitMs)
  }

  /** Nothing that the old transport may still say is listened to from here on. */
  _drop() {
    clearTimeout(this._waiting)
    clearTimeout(this._comparing)
    this._pulse?.stop()
    this._pulse = null
    this._carrier?.close()
    this._carrier = null
    this._line++
    this.isUp = false
  }

  /**
   * @param {State} name
   * @param {import('./closing.js').Closing | null} [closing]
   */
  _setState(name, closing = null) {
    if (name === this.state && !closing) return
    this.state = name
    this._emit('state', { name, closing })
  }
}

/** What the browser says; that it is online does not mean that anything is reached. */
const isOffline = () => navigator.onLine === false
/** @returns {State} */
const lateState = () => (isOffline() ? 'offline' : 'slow')
