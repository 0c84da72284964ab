/**
 * One conversation on the page, the visitor's or the one an advisor has open: its
 * log, its composer, who is writing, what was read. It is told what arrives and
 * never moves the reader's focus for it.
 */

import { Composer } from './composer.js'
import { Entries } from './entries.js'
import { slot } from './fragments.js'
import { openHold } from './hold.js'
import { LogScroll } from './scroll.js'

const TYPING_EVERY_MS = 1000
const TYPING_SHOWN_MS = 5000
const READ_AFTER_MS = 500

/** @typedef {import('./transports.js').Frame} Frame */
/** @typedef {import('./outbox.js').Saying} Saying */

export class Talk {
  /**
   * @param {HTMLElement} root With data-reference and data-last-seq.
   * @param {object} parts
   * @param {'visitor' | 'staff'} parts.side
   * @param {import('./connection.js').Connection} parts.connection
   * @param {import('./outbox.js').Outbox} parts.outbox
   * @param {import('./words.js').Words} parts.words
   * @param {import('./announcer.js').Announcer} parts.announcer
   * @param {() => void} [parts.onInput]
   */
  constructor(root, { side, connection, outbox, words, announcer, onInput = () => {} }) {
    this.root = root
    this.reference = root.dataset.reference ?? ''
    this.lastSeq = Number(root.dataset.lastSeq ?? 0)
    this._connection = connection
    this._outbox = outbox
    this._words = words
    this._side = side
    this._readSeq = 0
    this._typedAt = 0
    this._entries = new Entries(root, side, words, () => connection.name)
    this.scroll = new LogScroll(root, () => this.maybeRead())
    this._announcer = announcer
    this._typing = slot(root, 'typing')
    this.composer = this._makeComposer(onInput)
    slot(root, 'entries')?.addEventListener('click', (event) => this._click(event))
    for (const saying of outbox.of(this.reference)) this.showSaying(saying)
    this.maybeRead()
  }

  /** @param {() => void} onInput */
  _makeComposer(onInput) {
    const form = slot(this.root, 'composer')
    if (!(form instanceof HTMLFormElement)) return null
    return new Composer(form, this._words, {
      onSend: (text) => this._say(text),
      onInput: () => {
        this._tellTyping()
        onInput()
      }
    })
  }

  /** @param {string} text */
  _say(text) {
    // Once the connection is closed for good, the form goes to the server as it would without scripts.
    if (this._connection.state === 'closed') return false
    this._outbox.say(this.reference, text)
    this.scroll.toEnd()
    return true
  }

  /** @param {Frame} event @returns {boolean} Whether there is something new from the other side. */
  receive(event) {
    this.lastSeq = Math.max(this.lastSeq, event.seq)
    if (event.id) this._outbox.settle(event.id)
    const item = this.scroll.keeping(() => this._entries.addEvent(event))
    const isNews = item !== null && !this._entries.isOwn(event)
    if (isNews) {
      this.scroll.tellNew()
      this._stopTyping()
    }
    this.maybeRead()
    return isNews
  }

  /** @param {{id: string, seq: number, at: string}} stored */
  store(stored) {
    this._entries.store(stored)
  }

  /** @param {Saying} saying */
  showSaying(saying) {
    this._entries.showSaying(saying)
    if (saying.state === 'failed') this._announcer.say(this._words('failed_announced'))
    if (saying.state === 'held') this._openHold(saying)
  }

  /** @param {Frame} frame */
  showRead({ author, seq }) {
    if (!author || (author.kind === 'visitor') !== (this._side === 'visitor')) this._entries.markRead(seq)
  }

  /** What was read while this page was away. @param {{visitor?: number, advisor?: number}} read */
  showReadOf(read) {
    this._entries.markRead((this._side === 'visitor' ? read.advisor : read.visitor) ?? 0)
  }

  /** @param {Frame} frame */
  showTyping({ author }) {
    clearTimeout(this._typingTimer)
    const sentence = author?.name ? this._words('typing', { name: author.name }) : this._words('typing_someone')
    if (this._typing && this._typing.textContent !== sentence) this._typing.textContent = sentence
    this._typingTimer = setTimeout(() => this._stopTyping(), TYPING_SHOWN_MS)
  }

  /** Says so if everything is in sight, a moment later, so that many make one. */
  maybeRead() {
    clearTimeout(this._readTimer)
    this._readTimer = setTimeout(() => {
      const isSeen = document.visibilityState === 'visible' && this.scroll.isAtEnd && this.root.isConnected
      if (!isSeen || this.lastSeq <= this._readSeq) return
      if (this._connection.send({ type: 'read', conversation: this.reference, seq: this.lastSeq })) this._readSeq = this.lastSeq
    }, READ_AFTER_MS)
  }

  /** Nothing more can be said here. @param {Node[]} words What stands in the composer's place. */
  close(...words) {
    if (!this.composer) return
    this._stopTyping()
    this.composer.form.replaceWith(...words)
    this.composer = null
  }

  _stopTyping() {
    clearTimeout(this._typingTimer)
    if (this._typing) this._typing.textContent = ''
  }

  _tellTyping() {
    if (Date.now() - this._typedAt < TYPING_EVERY_MS || this.composer?.isEmpty) return
    this._typedAt = Date.now()
    this._connection.send({ type: 'typing', conversation: this.reference })
  }

  /** @param {MouseEvent} event */
  _click(event) {
    const button = event.target instanceof Element ? event.target.closest('[data-action="retry"]') : null
    const item = button?.closest('[data-id]')
    if (!(item instanceof HTMLElement)) return
    this._outbox.retry(item.dataset.id ?? '')
    this._connection.check()
  }

  /** @param {Saying} saying */
  _openHold(saying) {
    if (this._hold?.isConnected) return
    const { id, text, findings } = saying
    this._hold = openHold(this.root, this._words, { text, findings }, {
      edit: () => {
        this._takeBack(id)
        if (this.composer) this.composer.value = [text, this.composer.value].filter(Boolean).join('\n')
        this._afterHold()
      },
      mask: (masked) => {
        this._takeBack(id)
        this._outbox.say(this.reference, masked)
        this._afterHold()
      },
      send: () => {
        this._outbox.confirm(id)
        this._afterHold()
      }
    })
    this._announcer.say(this._words('hold_announced'))
    // The panel answers what the writer just did; who has gone on writing is not interrupted.
    if (this.composer?.isEmpty) this._hold.focus()
  }

  /** @param {string} id */
  _takeBack(id) {
    this._outbox.settle(id)
    this._entries.takeBack(id)
  }

  _afterHold() {
    this.composer?.focus()
    const next = this._outbox.of(this.reference).find((saying) => saying.state === 'held')
    if (next) this._openHold(next)
  }
}
