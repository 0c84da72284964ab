/**
 * The log's scroll box, whose newest end is scrollTop 0. What arrives never moves
 * what is being read: further up, a button says that there is something new.
 */

import { slot } from './fragments.js'

const AT_END_PX = 48

export class LogScroll {
  /**
   * @param {HTMLElement} root
   * @param {() => void} onEnd The newest entries are in sight.
   */
  constructor(root, onEnd) {
    this._box = slot(root, 'scroll') ?? slot(root, 'log')
    this._button = slot(root, 'new')
    this._isPinned = false
    this._box?.addEventListener('scroll', () => this._look(onEnd), { passive: true })
    root.querySelector('[data-action="newest"]')?.addEventListener('click', () => this.toEnd())
  }

  get isAtEnd() {
    if (!this._box || this._isPinned) return true
    const away = Math.abs(this._box.scrollTop)
    if (away < 1) this._pin()
    return away < AT_END_PX
  }

  /**
   * At the very end it stays there, whatever comes, until somebody scrolls, which nobody can between two frames. To ask
   * again after each of many that come together would lay out the whole log for each.
   */
  _pin() {
    this._isPinned = true
    requestAnimationFrame(() => (this._isPinned = false))
  }

  /**
   * Puts something into the log and keeps in place what the reader looks at.
   *
   * @param {() => HTMLElement | null} put
   */
  keeping(put) {
    const box = this._box
    if (!box || this.isAtEnd) return put()
    const height = box.scrollHeight
    const top = box.scrollTop
    const item = put()
    // Counted from the newest end, what is read moved up by as much as came below it.
    box.scrollTop = top - (box.scrollHeight - height)
    return item
  }

  /** The first entry in sight, to come back to; empty at the newest end. */
  get place() {
    if (!this._box || this.isAtEnd) return ''
    const top = this._box.getBoundingClientRect().top
    const inSight = [...this._box.querySelectorAll('[data-seq][id]')].find((item) => item.getBoundingClientRect().bottom > top)
    return inSight?.id ?? ''
  }

  /** @param {string} id */
  goTo(id) {
    const item = id ? this._box?.querySelector(`#${CSS.escape(id)}`) : null
    this._isPinned = false
    item?.scrollIntoView({ block: 'start' })
  }

  /** Something came while the reader was further up. */
  tellNew() {
    if (this._button && !this.isAtEnd) this._button.hidden = false
  }

  toEnd() {
    if (this._box) this._box.scrollTop = 0
  }

  /** @param {() => void} onEnd */
  _look(onEnd) {
    this._isPinned = false
    if (!this.isAtEnd) return
    if (this._button) this._button.hidden = true
    onEnd()
  }
}
