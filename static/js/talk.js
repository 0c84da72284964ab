/**
 * One conversation on the page, the visitor's or the one an advisor has open: its
 * log, its composer, who is writing, what was read. It is told what arrives and
 * never moves the reader's focus for it.
 */

import { copyFrom } from './clipboard.js'
import { Composer } from './composer.js'
import { Earlier } from './earlier.js'
import { Entries } from './entries.js'
import { slot } from './fragments.js'
import { openHold } from './hold.js'
import { LogScroll } from './scroll.js'
import { keepUnsent } from './unsent.js'

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
   * @param {() => void} [parts.onSay] What was written has become a message.
   */
  constructor(root, { side, connection, outbox, words, announcer, onInput = () => {}, onSay = () => {} }) {
    this.root = root
    this.reference = root.dataset.reference ?? ''
    this.lastSeq = Number(root.dataset.lastSeq ?? 0)
    this._connection = connection
    this._outbox = outbox
    this._words = words
    this._side = side
    this._readSeq = 0
    /** All of the log is coming again. */
    this._isAnew = false
    this._typedAt = -Infinity
    this._entries = new Entries(root, side, words, () => connection.name)
    this.scroll = new LogScroll(root, () => this.maybeRead())
    this._announcer = announcer
    this._earlier = new Earlier(root, this._entries, (key) => announcer.say(words(key)))
    /** What was being written when the conversation ended, until it has been copied. */
    this._left = ''
    this._whyClosed = ''
    this._isClosed = false
    this._typing = slot(root, 'typing')
    this._onInput = onInput
    this._onSay = onSay
    this.composer = this._makeComposer()
    slot(root, 'entries')?.addEventListener('click', (event) => this._click(event))
    for (const saying of outbox.of(this.reference)) this.showSaying(saying)
    this.maybeRead()
  }

  _makeComposer() {
    const form = slot(this.root, 'composer')
    if (!(form instanceof HTMLFormElement)) return null
    return new Composer(form, this._words, {
      onSend: (text) => this._say(text),
      onInput: () => {
        this._tellTyping()
        this._onInput()
      }
    })
  }

  /** Whether leaving the page would lose something that is being written. */
  get isUnsent() {
    return this._left !== '' || (this.composer !== null && !this.composer.isEmpty && !this.composer.isLeaving)
  }

  /** @param {string} text @returns {'sent' | 'plain' | 'kept'} */
  _say(text) {
    const { closing } = this._connection
    // Once the connection is closed for good, the form goes to the server as it would without scripts, if it would be taken.
    if (closing) return closing.refuses ? 'kept' : 'plain'
    this._outbox.say(this.reference, text)
    this._onSay()
    this.scroll.toEnd()
    return 'sent'
  }

  /** @param {Frame} event @returns {boolean} Whether there is something new from the other side. */
  receive(event) {
    this.lastSeq = Math.max(this.lastSeq, event.seq)
    if (event.id) this._outbox.settle(event.id)
    const item = this.scroll.keeping(() => this._entries.addEvent(event))
    const isNews = item !== null && !this._entries.isOwn(event) && !this._isAnew
    if (isNews) {
      this.scroll.tellNew()
      this._stopTyping()
    }
    if (this.scroll.isAtEnd) this._earlier.trim()
    this.maybeRead()
    return isNews
  }

  /** What the page holds of the log cannot be continued, and comes again. What is being written, or on its way, stays. */
  startAnew() {
    this._isAnew = true
    this.lastSeq = 0
    this._readSeq = 0
    this._entries.clear()
    this._earlier.startAnew()
  }

  /** Everything missed has come. */
  catchUp() {
    if (!this._isAnew) return
    this._isAnew = false
    this._earlier.unhush()
    this._announcer.say(this._words('drawn_anew'))
  }

  /** @param {{id: string, seq: number, at: string}} stored */
  store(stored) {
    this._entries.store(stored)
  }

  /** @param {Saying} saying */
  showSaying(saying) {
    this._entries.showSaying(saying)
    if (saying.state === 'failed') this._announcer.tell(this._words('failed_announced'))
    if (saying.state !== 'held') return
    // What is held where nothing new can be said is decided already.
    if (this._whyClosed) this._outbox.close(this.reference, this._whyClosed)
    else this._openHold(saying)
  }

  /** @param {Frame} frame */
  showRead({ author, seq }) {
    if (!author || (author.kind === 'visitor') !== (this._side === 'visitor')) this._entries.markRead(seq)
  }

  /** What was read while this page was away. @param {{visitor?: number, advisor?: number}} read */
  showReadOf(read) {
    const [own, other] = this._side === 'visitor' ? [read.visitor, read.advisor] : [read.advisor, read.visitor]
    this._entries.markRead(other ?? 0)
    // A mark of our own may have been lost with the connection that carried it.
    this._readSeq = Math.min(this._readSeq, own ?? 0)
    this.maybeRead()
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
    this._readTimer = setTimeout(() => this.readNow(), READ_AFTER_MS)
  }

  /**
   * Before the page goes there is no moment later.
   *
   * @param {(frame: Frame) => boolean} [send]
   */
  readNow(send = (frame) => this._connection.send(frame)) {
    clearTimeout(this._readTimer)
    const isSeen = document.visibilityState === 'visible' && this.scroll.isAtEnd && this.root.isConnected
    if (!isSeen || this.lastSeq <= this._readSeq) return
    if (send({ type: 'read', conversation: this.reference, seq: this.lastSeq })) this._readSeq = this.lastSeq
  }

  /**
   * It is over, and every event of it has been seen: what is not among them was not sent.
   *
   * @param {string} reason Why it was not sent.
   * @param {Node[]} nodes What stands in the composer's place.
   */
  end(reason, ...nodes) {
    this.close(reason, ...nodes)
    this._outbox.end(this.reference, reason)
  }

  /**
   * Nothing new can be said here. What was not sent stays, to be copied; what is on its way still gets its answer.
   *
   * @param {string} reason Why it was not sent.
   * @param {Node[]} nodes What stands in the composer's place.
   */
  close(reason, ...nodes) {
    // What was being written is kept as it was when it could be sent no longer.
    if (this._isClosed) return
    this._isClosed = true
    if (!this.composer) {
      // Who only advised had a form for notes in its place.
      const form = this.root.querySelector('.composer--note')
      this._keep(form?.querySelector('textarea')?.value ?? '', nodes)
      putInPlace(form, nodes)
      return
    }
    this._whyClosed = reason
    this._stopTyping()
    // Who is deciding there goes on where the composer was, too.
    if (this._hold?.contains(document.activeElement)) this.composer.focus()
    this._hold?.remove()
    this._keep(this.composer.value, nodes)
    putInPlace(this.composer.form, nodes)
    this.composer = null
    this._outbox.close(this.reference, reason)
  }

  /** @param {string} text What was being written. @param {Node[]} nodes */
  _keep(text, nodes) {
    this._left = text.trim()
    if (this._left) nodes.unshift(keepUnsent(this.root, this._left, this._words, () => (this._left = '')))
  }

  _stopTyping() {
    clearTimeout(this._typingTimer)
    if (this._typing) this._typing.textContent = ''
  }

  _tellTyping() {
    if (performance.now() - this._typedAt < TYPING_EVERY_MS || this.composer?.isEmpty) return
    this._typedAt = performance.now()
    this._connection.send({ type: 'typing', conversation: this.reference })
  }

  /** @param {MouseEvent} event */
  _click(event) {
    const button = event.target instanceof Element ? event.target.closest('button[data-action]') : null
    const item = button?.closest('[data-id]')
    if (!(button instanceof HTMLElement) || !(item instanceof HTMLElement)) return
    const id = item.dataset.id ?? ''
    const actions = { retry: () => this._retry(id), rescue: () => this._rewrite(id), copy: () => this._copy(id, item) }
    actions[/** @type {'retry' | 'rescue' | 'copy'} */ (button.dataset.action)]?.()
  }

  /** @param {string} id */
  _retry(id) {
    this._outbox.retry(id)
    this._connection.check()
  }

  /** Back into the composer, before what is being written there. @param {string} id */
  _rewrite(id) {
    const saying = this._takeBack(id)
    if (!saying || !this.composer) return
    this.composer.value = [saying.text, this.composer.value].filter(Boolean).join('\n')
    this.composer.focus()
    this._onInput()
  }

  /**
   * @param {string} id
   * @param {HTMLElement} item
   */
  async _copy(id, item) {
    const text = slot(item, 'text')
    if (!text || !(await copyFrom(text))) return
    this._outbox.settle(id)
    this._announcer.tell(this._words('copied'))
  }

  /** @param {Saying} saying */
  _openHold(saying) {
    if (this._hold?.isConnected) return
    const { id, text, findings } = saying
    this._hold = openHold(this.root, this._words, { text, findings }, {
      edit: () => {
        this._rewrite(id)
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
    this._announcer.tell(this._words('hold_announced'))
    // The panel answers what the writer just did; who has gone on writing is not interrupted.
    if (this.composer?.isEmpty) this._hold.focus()
  }

  /** @param {string} id */
  _takeBack(id) {
    this._entries.takeBack(id)
    return this._outbox.settle(id)
  }

  _afterHold() {
    this.composer?.focus()
    const next = this._outbox.of(this.reference).find((saying) => saying.state === 'held')
    if (next) this._openHold(next)
  }
}

/**
 * Whoever is writing there goes on at what stands there now: what they wrote, else the sentence that says why.
 *
 * @param {Element | null} form
 * @param {Node[]} nodes
 */
function putInPlace(form, nodes) {
  const isInUse = form?.contains(document.activeElement)
  form?.replaceWith(...nodes)
  const [first] = nodes
  if (!isInUse || !(first instanceof HTMLElement)) return
  const field = first.querySelector('textarea')
  if (!field) first.tabIndex = -1
  const target = field ?? first
  target.focus()
}
