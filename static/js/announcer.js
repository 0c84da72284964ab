/**
 * Sentences for screen readers, in a status region of their own: politely, how
 * something stands only when it has changed, what happened each time, and where
 * it is asked for not more often than the listener can bear.
 */

import { element } from './fragments.js'

/** A region that is emptied and filled in one turn has not changed for those who read it out. */
const GAP_MS = 100

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
    this._last = -Infinity
  }

  /** Something happened, perhaps not for the first time. @param {string} sentence */
  tell(sentence) {
    if (this._region.textContent === sentence) this._region.textContent = ''
    this.say(sentence, GAP_MS)
  }

  /**
   * How something stands. The newest sentence replaces one that still waits.
   *
   * @param {string} sentence
   * @param {number} [afterMs]
   */
  say(sentence, afterMs = 0) {
    clearTimeout(this._timer)
    const waitMs = Math.max(afterMs, this._last + this._everyMs - performance.now())
    this._timer = setTimeout(() => {
      this._last = performance.now()
      if (this._region.textContent !== sentence) this._region.textContent = sentence
    }, waitMs)
  }
}
