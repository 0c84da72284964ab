/**
 * The box to write in. It grows to six lines, counts towards the limit when the
 * writer stops, and hands a message on with Ctrl and Enter, with the button, or
 * with Enter where the writer chose that.
 */

import { slot } from './fragments.js'

const MOST_ROWS = 6
const COUNT_FROM = 200
const COUNT_AFTER_MS = 800

export class Composer {
  /**
   * @param {HTMLFormElement} form
   * @param {import('./words.js').Words} words
   * @param {object} hooks
   * @param {(text: string) => 'sent' | 'plain' | 'kept'} hooks.onSend What becomes of it: it is on its way, it is left to
   *   the browser to send as a form, or nothing can be done with it and it stays.
   * @param {() => void} [hooks.onInput]
   */
  constructor(form, words, { onSend, onInput = () => {} }) {
    const text = form.querySelector('textarea')
    if (!text) throw new Error('the composer has no textarea')
    this.form = form
    this.text = text
    this.enterSends = false
    this._words = words
    this._fewestRows = text.rows
    this._limit = Number(text.dataset.limit ?? 4000)
    this._count = slot(form, 'count')
    this._onSend = onSend
    this._onInput = onInput
    /** The browser is sending what is written, on its way to another page. */
    this.isLeaving = false
    form.addEventListener('submit', (event) => this._submit(event))
    text.addEventListener('keydown', (event) => this._key(event))
    text.addEventListener('input', () => {
      this._changed()
      onInput()
    })
    this._changed()
  }

  get value() {
    return this.text.value
  }

  /** @param {string} text */
  set value(text) {
    this.text.value = text
    this._changed()
  }

  get isEmpty() {
    return this.text.value.trim() === ''
  }

  focus() {
    this.text.focus()
    this.text.setSelectionRange(this.text.value.length, this.text.value.length)
  }

  /** @param {SubmitEvent} event */
  _submit(event) {
    const text = this.text.value.trim()
    if (text === '' || this._over > 0) {
      event.preventDefault()
      this._say(text === '' ? this._words('empty') : this._words('too_long', { count: this._over }))
      this.text.focus()
      return
    }
    const outcome = this._onSend(text)
    if (outcome === 'plain') {
      this._leave()
      return
    }
    event.preventDefault()
    this.text.focus()
    if (outcome === 'kept') {
      this._say(this._words('kept'))
    } else {
      this.value = ''
      this._onInput()
    }
  }

  /** Until the page is seen again, out of the browser's cache. What listens for that holds the composer, so only now. */
  _leave() {
    this.isLeaving = true
    addEventListener('pageshow', () => (this.isLeaving = false), { once: true })
  }

  /** @param {KeyboardEvent} event */
  _key(event) {
    // While a character is being composed, Enter belongs to the input method.
    if (event.key !== 'Enter' || event.isComposing) return
    const isAsked = event.ctrlKey || event.metaKey || (this.enterSends && !event.shiftKey)
    if (!isAsked) return
    event.preventDefault()
    // Older browsers have no requestSubmit; the button's click is the same thing.
    this.form.querySelector('button')?.click()
  }

  get _over() {
    return Array.from(this.text.value.trim()).length - this._limit
  }

  _changed() {
    this._grow()
    clearTimeout(this._timer)
    this._timer = setTimeout(() => this._say(this._countText()), COUNT_AFTER_MS)
  }

  _countText() {
    if (this._over > 0) return this._words('too_long', { count: this._over })
    return -this._over < COUNT_FROM ? this._words('count_left', { count: -this._over }) : ''
  }

  /** @param {string} sentence */
  _say(sentence) {
    if (this._count) this._count.textContent = sentence
  }

  _grow() {
    const { text } = this
    text.rows = this._fewestRows
    while (text.rows < MOST_ROWS && text.scrollHeight > text.clientHeight) text.rows++
  }
}

/**
 * Binds a tick box `data-action="enter-sends"` to the composer. On a touch screen
 * Enter always makes a new line, as there is no other way to make one.
 *
 * @param {ParentNode} root
 * @param {() => Composer | null} composer
 */
export function attachEnterSends(root, composer) {
  const box = root.querySelector('[data-action="enter-sends"]')
  if (!(box instanceof HTMLInputElement)) return
  const isTouch = matchMedia('(pointer: coarse)').matches
  const label = box.closest('label')
  if (label) label.hidden = isTouch
  const apply = () => {
    const target = composer()
    if (target) target.enterSends = box.checked && !isTouch
  }
  box.addEventListener('change', apply)
  apply()
}
