/**
 * What is being written in each conversation, kept on the server a moment after
 * the last key, and in this page's memory meanwhile: switching loses nothing.
 */

import { postJson } from './post.js'

const AFTER_MS = 1000

export class Drafts {
  /** @param {string} token The form token. */
  constructor(token) {
    this._token = token
    /** @type {Map<string, string>} What was last sent or is about to be. */
    this._texts = new Map()
    /** @type {Map<string, ReturnType<typeof setTimeout>>} */
    this._timers = new Map()
    addEventListener('pagehide', () => this.flush())
  }

  /** @param {string} reference @returns {string | undefined} */
  of(reference) {
    return this._texts.get(reference)
  }

  /**
   * @param {string} reference
   * @param {string} text
   */
  keep(reference, text) {
    if (this._texts.get(reference) === text) return
    this._texts.set(reference, text)
    clearTimeout(this._timers.get(reference))
    this._timers.set(
      reference,
      setTimeout(() => this._save(reference), AFTER_MS)
    )
  }

  /** Saves now what still waits. */
  flush() {
    for (const reference of [...this._timers.keys()]) this._save(reference)
  }

  /** @param {string} reference */
  _save(reference) {
    clearTimeout(this._timers.get(reference))
    this._timers.delete(reference)
    postJson(`/desk/conversations/${reference}/draft`, this._token, { text: this._texts.get(reference) ?? '' }, { keepalive: true })
  }
}
