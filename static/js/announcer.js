/**
 * Sentences for screen readers, in a status region of their own: politely, never
 * the same one twice in a row, and where it is asked for not more often than the
 * listener can bear.
 */

import { element } from './fragments.js'

export class Announcer {
  /**
   * @param {HTMLElement} root
   * @param {HTMLElement | null} [region] One that the page brings; else a hidden one is added.
   * @param {number} [everyMs] The shortest time between two sentences.
   */
  constructor(root, region = null, everyMs = 0) {
    this._region = region ?? root.appendChild(element('p', 'govuk-visually-hidden'))
    this._region.setAttribute('role', 'status')
    this._everyMs = everyMs
    this._last = 0
  }

  /** The newest sentence replaces one that still waits. @param {string} sentence */
  say(sentence) {
    clearTimeout(this._timer)
    const waitMs = Math.max(0, this._last + this._everyMs - Date.now())
    this._timer = setTimeout(() => {
      this._last = Date.now()
      if (this._region.textContent !== sentence) this._region.textContent = sentence
    }, waitMs)
  }
}
