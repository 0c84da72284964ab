/**
 * What is being written in each conversation, kept on the server a moment after
 * the last key, and in this page's memory meanwhile: switching loses nothing.
 * One request at a time for each conversation, so that an old text never
 * overtakes a newer one; what did not arrive is sent again with the next.
 */

import { postJson } from './post.js'

const AFTER_MS = 1000
const AGAIN_MS = 5000

/**
 * @typedef {object} Draft
 * @property {string} text
 * @property {string | null} saved What the server has; null where that is in doubt.
 * @property {string | null} onItsWay What is being sent.
 * @property {boolean} hasFailed
 * @property {boolean} isSaid It has become a message, of which it is not known yet whether it is stored.
 * @property {number} round How often the server has forgotten what it had.
 * @property {ReturnType<typeof setTimeout>} [timer]
 */

export class Drafts {
  /**
   * @param {() => string} token The form token of the page.
   * @param {(reference: string) => void} onChange One was kept, or could not be.
   */
  constructor(token, onChange) {
    this._token = token
    this._onChange = onChange
    /** @type {Map<string, Draft>} */
    this._drafts = new Map()
    // Before the next page is asked for, which may be this one again; how soon a page that is left still gets its turn to
    // send anything is the browser's affair.
    addEventListener('beforeunload', () => this.flush({ isLast: true }))
    addEventListener('pagehide', () => this.flush({ isLast: true }))
    document.addEventListener('visibilitychange', () => document.visibilityState === 'hidden' && this.flush())
  }

  /** Whether leaving would lose nothing: what merely waits is sent as the page goes. */
  get isSafe() {
    return [...this._drafts.values()].every(({ text, saved, hasFailed }) => !hasFailed || text === '' || text === saved)
  }

  /** @param {string} reference @returns {string | undefined} */
  of(reference) {
    return this._drafts.get(reference)?.text
  }

  /** In words: `saved`, `unsaved`, or nothing to say. @param {string} reference @returns {'saved' | 'unsaved' | ''} */
  stateOf(reference) {
    const draft = this._drafts.get(reference)
    if (!draft?.text || draft.onItsWay !== null) return ''
    if (draft.text === draft.saved) return 'saved'
    return draft.hasFailed ? 'unsaved' : ''
  }

  /**
   * The page has come with what the server has kept, perhaps from another tab, and with what seems to identify a person
   * masked. What was written here stays as it was written.
   *
   * @param {string} reference
   * @param {string} text
   */
  adopt(reference, text) {
    const draft = this._drafts.get(reference)
    if (!draft || (draft.text === '' && draft.saved === '')) this._drafts.set(reference, { text, saved: text, onItsWay: null, hasFailed: false, isSaid: false, round: 0 })
  }

  /**
   * @param {string} reference
   * @param {string} text
   */
  keep(reference, text) {
    const draft = this._drafts.get(reference)
    if (!draft || draft.text === text) return
    Object.assign(draft, { text, isSaid: false })
    this._saveIn(reference, AFTER_MS)
    this._onChange(reference)
  }

  /**
   * It has become a message. A message that is refused is kept by the server as the draft, which must not be forgotten for
   * the composer that was emptied.
   *
   * @param {string} reference
   */
  say(reference) {
    const draft = this._drafts.get(reference)
    if (!draft) return
    clearTimeout(draft.timer)
    Object.assign(draft, { text: '', isSaid: true })
    this._onChange(reference)
  }

  /**
   * All that was said is stored, and the server forgets what it had kept until then: what has been written since is kept once
   * more, and what was said goes.
   *
   * @param {string} reference
   */
  settle(reference) {
    const draft = this._drafts.get(reference)
    if (!draft || (!draft.isSaid && draft.text === '')) return
    Object.assign(draft, { isSaid: false, round: draft.round + 1, saved: draft.text === '' ? draft.saved : '' })
    this._saveIn(reference, AFTER_MS)
    this._onChange(reference)
  }

  /** Saves now what still waits; with `isLast` also what has changed since the request that is on its way. */
  flush({ isLast = false } = {}) {
    for (const reference of this._drafts.keys()) this._save(reference, isLast)
  }

  /**
   * @param {string} reference
   * @param {number} ms
   */
  _saveIn(reference, ms) {
    const draft = this._drafts.get(reference)
    if (!draft) return
    clearTimeout(draft.timer)
    draft.timer = setTimeout(() => this._save(reference), ms)
  }

  /**
   * @param {string} reference
   * @param {boolean} [isLast]
   */
  async _save(reference, isLast = false) {
    const draft = this._drafts.get(reference)
    if (!draft || draft.isSaid || draft.text === (draft.onItsWay ?? draft.saved) || (draft.onItsWay !== null && !isLast)) return
    clearTimeout(draft.timer)
    const { text, round } = draft
    draft.onItsWay = text
    const { status } = await postJson(`/desk/conversations/${reference}/draft`, this._token(), { text }, { keepalive: true })
    if (draft.onItsWay === text) draft.onItsWay = null
    // What is refused, as when the conversation has gone to somebody else, is not tried for ever.
    const isDone = status !== 0 && status < 500 && status !== 429
    // What came while the server was forgetting, or was not answered, may be there or not.
    if (status === 204 || status === 0 || status >= 500) draft.saved = status === 204 && round === draft.round ? text : null
    draft.hasFailed = status !== 204
    if (draft.text !== text || round !== draft.round) this._saveIn(reference, AFTER_MS)
    else if (!isDone) this._saveIn(reference, AGAIN_MS)
    this._onChange(reference)
  }
}
