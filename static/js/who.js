/**
 * Whose conversation it is, in the title of the visitor's page. A colleague who
 * is brought in, and goes again, stands in the log and changes nothing here.
 */

import { fetchPage } from './pages.js'

export class Who {
  /**
   * @param {HTMLElement} root
   * @param {import('./words.js').Words} words
   */
  constructor(root, words) {
    this._root = root
    this._words = words
    /** Whether it is somebody's: then whoever joins is brought in. */
    this._isMet = this._titleIn(root)?.dataset.isMet !== undefined
  }

  /** @param {import('./transports.js').Frame} event */
  hear({ kind, author, data }) {
    if (kind === 'requeued' || (kind === 'transferred' && data?.to === 'queue')) this._lose()
    else if (kind === 'transferred') this._ask()
    else if (kind === 'joined' && !this._isMet) this._meet(this._words('with', { name: author.name }))
  }

  /** While nobody has it, its place in the line stands there. @param {string} sentence */
  showPlace(sentence) {
    this._fill(sentence)
  }

  /** All of the log comes again. */
  startAnew() {
    this._isMet = false
  }

  _lose() {
    this._isMet = false
    this._fill(this._words('waiting'))
  }

  /** @param {string} sentence */
  _meet(sentence) {
    this._isMet = true
    this._fill(sentence)
  }

  /** The event does not say who goes on; the page does. */
  async _ask() {
    this._isMet = true
    const arrival = await fetchPage('/chat')
    const title = arrival?.isOk ? this._titleIn(arrival.page) : null
    if (this._isMet && title?.dataset.isMet !== undefined) this._fill((title.textContent ?? '').trim())
  }

  /** @param {string} sentence */
  _fill(sentence) {
    const title = this._titleIn(this._root)
    if (title && title.textContent !== sentence) title.textContent = sentence
  }

  /** @param {ParentNode} page @returns {HTMLElement | null} */
  _titleIn(page) {
    return page.querySelector('.chat__title')
  }
}
