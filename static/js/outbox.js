/**
 * What was said and is not yet known to be stored. Each conversation has one
 * message on its way at a time, so that order is kept; after any doubt the same
 * message goes out again under the same id, which the server stores once. Text
 * lives here, in the page's memory, and nowhere else in the browser.
 *
 * @typedef {object} Saying
 * @property {string} conversation
 * @property {string} id
 * @property {string} text
 * @property {boolean} confirm Sent in spite of a hold.
 * @property {'sending' | 'failed' | 'held'} state
 * @property {string} reason What the server said against it, for people.
 * @property {boolean} isOver Refused or held: sent again only when the person asks.
 * @property {boolean} isRefused Refused for good: as it is, it will never be stored.
 * @property {import('./hold.js').Finding[]} findings Why it is held.
 */

import { newId } from './ids.js'

const DOUBT_MS = 60000
const AGAIN_MS = 10000
const RETRY_MS = 2000

/** Refusals that pass by themselves. */
const PASSING = new Set(['unavailable', 'rate_limited'])

export class Outbox {
  /**
   * @param {object} options
   * @param {(frame: import('./transports.js').Frame) => boolean} options.send
   * @param {(saying: Saying) => void} options.onChange A saying was added or its state changed.
   * @param {() => void} options.onSilence What was sent has had no answer for long.
   */
  constructor({ send, onChange, onSilence }) {
    this._send = send
    this._onSilence = onSilence
    this._onChange = onChange
    /** @type {Map<string, Saying>} */
    this._sayings = new Map()
    /** @type {Map<string, string>} The id that is on its way, by conversation. */
    this._flying = new Map()
    /** @type {Map<string, ReturnType<typeof setTimeout>>} */
    this._timers = new Map()
  }

  /** Whether closing the page now would lose something. */
  get isEmpty() {
    return this._sayings.size === 0
  }

  /** @param {string} conversation */
  of(conversation) {
    return [...this._sayings.values()].filter((saying) => saying.conversation === conversation)
  }

  /**
   * @param {string} conversation
   * @param {string} text
   * @param {{id?: string, confirm?: boolean}} [options]
   */
  say(conversation, text, { id = newId(), confirm = false } = {}) {
    /** @type {Saying} */
    const saying = { conversation, id, text, confirm, state: 'sending', reason: '', isOver: false, isRefused: false, findings: [] }
    this._sayings.set(id, saying)
    this._startDoubt(saying)
    this._onChange(saying)
    this._pump(conversation)
    return saying
  }

  /** It is stored, or taken back by its writer: there is nothing more to do for it. @param {string} id */
  settle(id) {
    const saying = this._sayings.get(id)
    if (!saying) return null
    this._sayings.delete(id)
    this._stop(`doubt ${id}`)
    this._land(saying)
    return saying
  }

  /**
   * The server refused it, for now or for good.
   *
   * @param {{id: string, code: string, message?: string, retry_after_s?: number}} refusal
   */
  refuse({ id, code, message = '', retry_after_s: afterS }) {
    const saying = this._sayings.get(id)
    if (!saying) return
    if (PASSING.has(code)) {
      this._start(`again ${saying.conversation}`, afterS ? afterS * 1000 : RETRY_MS, () => this._resend(saying.conversation))
      return
    }
    Object.assign(saying, { isOver: true, isRefused: true, reason: message })
    this._fail(saying)
    this._land(saying)
  }

  /**
   * Nothing new is stored in this conversation. What waits for its writer will not be; of what is on its way, which may have
   * been stored, only an answer tells.
   *
   * @param {string} conversation
   * @param {string} message
   */
  close(conversation, message) {
    for (const { id, isOver } of this.of(conversation)) if (isOver) this.refuse({ id, code: 'ended', message })
  }

  /**
   * The conversation is over, and all that it stored has been seen: what is left here was not stored.
   *
   * @param {string} conversation
   * @param {string} message
   */
  end(conversation, message) {
    for (const { id } of this.of(conversation)) this.refuse({ id, code: 'ended', message })
  }

  /**
   * It seems to identify a person: its writer decides what becomes of it.
   *
   * @param {string} id
   * @param {import('./hold.js').Finding[]} findings
   */
  hold(id, findings) {
    const saying = this._sayings.get(id)
    if (!saying) return
    this._stop(`doubt ${id}`)
    Object.assign(saying, { isOver: true, state: 'held', findings })
    this._onChange(saying)
    this._land(saying)
  }

  /** Its writer wants it sent as it is. @param {string} id */
  confirm(id) {
    const saying = this._sayings.get(id)
    if (saying) saying.confirm = true
    this.retry(id)
  }

  /** The person asks for it: once more, under the same id. @param {string} id */
  retry(id) {
    const saying = this._sayings.get(id)
    if (!saying) return
    if (saying.isOver) {
      // Others went ahead meanwhile: its turn comes after them.
      this._sayings.delete(id)
      this._sayings.set(id, saying)
    }
    Object.assign(saying, { isOver: false, isRefused: false, reason: '', state: 'sending' })
    this._startDoubt(saying)
    this._onChange(saying)
    if (this._flying.get(saying.conversation) === id) this._resend(saying.conversation)
    else this._pump(saying.conversation)
  }

  /** The connection is up again: whatever was on its way may or may not have arrived. */
  resume() {
    const conversations = new Set([...this._sayings.values()].map(({ conversation }) => conversation))
    for (const conversation of conversations) this._resend(conversation)
  }

  /** @param {string} conversation */
  _resend(conversation) {
    this._flying.delete(conversation)
    this._pump(conversation)
  }

  /** @param {string} conversation */
  _pump(conversation) {
    if (this._flying.has(conversation)) return
    const next = this.of(conversation).find((saying) => !saying.isOver)
    if (!next) return
    const { id, text, confirm } = next
    if (!this._send({ type: 'say', conversation, id, text, ...(confirm && { confirm }) })) return
    this._flying.set(conversation, id)
    this._start(`again ${conversation}`, AGAIN_MS, () => {
      this._onSilence()
      this._resend(conversation)
    })
  }

  /** It is no longer on its way; the next one goes. @param {Saying} saying */
  _land({ conversation, id }) {
    if (this._flying.get(conversation) === id) {
      this._flying.delete(conversation)
      this._stop(`again ${conversation}`)
    }
    this._pump(conversation)
  }

  /** After a minute the person is told; it still goes out when the connection is back. @param {Saying} saying */
  _startDoubt(saying) {
    this._start(`doubt ${saying.id}`, DOUBT_MS, () => this._fail(saying))
  }

  /** @param {Saying} saying */
  _fail(saying) {
    saying.state = 'failed'
    this._stop(`doubt ${saying.id}`)
    this._onChange(saying)
  }

  /**
   * @param {string} name
   * @param {number} ms
   * @param {() => void} call
   */
  _start(name, ms, call) {
    this._stop(name)
    this._timers.set(name, setTimeout(call, ms))
  }

  /** @param {string} name */
  _stop(name) {
    clearTimeout(this._timers.get(name))
    this._timers.delete(name)
  }
}
