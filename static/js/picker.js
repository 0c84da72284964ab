/**
 * The list above the composer: `/` for saved replies, `@` for guidance. Arrows
 * move, Enter takes, Escape closes; the focus stays in the box all the time.
 *
 * @typedef {object} Option
 * @property {string} key
 * @property {string} title
 * @property {string} text
 * @property {() => string} take Does what it stands for, and gives the text that replaces what was typed.
 */

import { Announcer } from './announcer.js'
import { cloneTemplate, fill, slot } from './fragments.js'

const MOST = 8
const PAUSE_MS = 150
const TYPED = /(^|\s)([/@])([^\s/@][^/@\n]{0,40}|)$/

export class Picker {
  /**
   * @param {HTMLElement} root
   * @param {HTMLTextAreaElement} text
   * @param {Record<string, (query: string, signal: AbortSignal) => Promise<Option[]>>} sources By the character that opens them.
   */
  constructor(root, text, sources) {
    this._root = root
    this._text = text
    this._sources = sources
    this._list = slot(root, 'picker')
    /** @type {Option[]} */
    this._options = []
    this._at = 0
    this._asked = new AbortController()
    this._timer = 0
    /** Whether the list is not of what is typed by now. */
    this._isStale = false
    if (!this._list) return
    this._announcer = new Announcer(/** @type {HTMLElement} */ (this._list.parentElement))
    text.setAttribute('aria-controls', this._list.id)
    text.setAttribute('aria-autocomplete', 'list')
    text.addEventListener('input', () => this._lookSoon())
    text.addEventListener('keydown', (event) => this._key(event))
    text.addEventListener('blur', () => this._close())
    // The list must not take the focus from the box before the click is seen.
    this._list.addEventListener('mousedown', (event) => event.preventDefault())
    this._list.addEventListener('click', (event) => this._click(event))
  }

  get isOpen() {
    return this._list !== null && !this._list.hidden
  }

  /** What was asked before is out of date at once; the next question waits until the typing pauses. */
  _lookSoon() {
    this._giveUp()
    const typed = this._typed()
    this._isStale = true
    if (!typed) this._close()
    else this._timer = setTimeout(() => this._look(typed), PAUSE_MS)
  }

  _giveUp() {
    clearTimeout(this._timer)
    this._asked.abort()
    this._asked = new AbortController()
  }

  /** @param {{sign: string, query: string}} typed */
  async _look(typed) {
    const { signal } = this._asked
    const options = await this._sources[typed.sign](typed.query, signal)
    if (signal.aborted) return
    this._isStale = false
    this._options = options.slice(0, MOST)
    this._at = 0
    if (this._options.length === 0) this._close()
    else this._draw()
  }

  /** What was typed last before the cursor, if it opens a list. */
  _typed() {
    const before = this._text.value.slice(0, this._text.selectionStart)
    const match = TYPED.exec(before)
    return match ? { sign: match[2], query: match[3].trim(), from: match.index + match[1].length, to: before.length } : null
  }

  /** @param {KeyboardEvent} event */
  _key(event) {
    if (!this.isOpen || event.isComposing) return
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (step) this._move(step)
    else if (event.key === 'Escape') this._close()
    else if ((event.key === 'Enter' && !event.ctrlKey && !event.metaKey) || event.key === 'Tab') this._takeTyped()
    else return
    event.preventDefault()
    event.stopImmediatePropagation()
  }

  /** @param {number} step */
  _move(step) {
    this._at = (this._at + step + this._options.length) % this._options.length
    this._select()
  }

  /** Whoever types on and presses Enter at once means what they typed, not what the list still shows. */
  async _takeTyped() {
    const typed = this._typed()
    if (this._isStale && typed) {
      this._giveUp()
      await this._look(typed)
    }
    if (!this._isStale) this._take(this._at)
  }

  /** @param {number} index */
  _take(index) {
    const typed = this._typed()
    const option = this._options[index]
    this._close()
    if (!typed || !option) return
    this._text.setRangeText(option.take(), typed.from, typed.to, 'end')
    this._text.dispatchEvent(new Event('input', { bubbles: true }))
  }

  /** @param {MouseEvent} event */
  _click(event) {
    const item = event.target instanceof Element ? event.target.closest('[role="option"]') : null
    const index = item && this._list ? [...this._list.children].indexOf(item) : -1
    if (index >= 0) this._take(index)
  }

  _draw() {
    const items = this._options.map(({ key, title, text }, index) => {
      const item = cloneTemplate(this._root, 'option')
      item.id = `picker-${index}`
      fill(item, 'key', key)
      fill(item, 'title', title)
      fill(item, 'text', text)
      return item
    })
    this._list?.replaceChildren(...items)
    if (this._list) this._list.hidden = false
    this._announcer?.say((this._list?.dataset.count ?? '').replace('{count}', String(items.length)))
    this._select()
  }

  _select() {
    const items = [...(this._list?.children ?? [])]
    items.forEach((item, index) => item.setAttribute('aria-selected', String(index === this._at)))
    items[this._at]?.scrollIntoView({ block: 'nearest' })
    this._text.setAttribute('aria-activedescendant', `picker-${this._at}`)
  }

  _close() {
    this._giveUp()
    if (this._list) this._list.hidden = true
    this._text.removeAttribute('aria-activedescendant')
  }
}
