/**
 * What each close code asks of the page: come back and how soon, or stop and
 * what to tell the person. The codes are those of docs/protocol.md.
 *
 * @typedef {object} Closing
 * @property {boolean} back Whether to connect again by itself.
 * @property {number} [afterMs] The shortest wait before coming back.
 * @property {string} word Key of the sentence for people, see words.js.
 * @property {'reload' | 'sign-in' | ''} remedy What the person can do about it.
 */

/** @type {Record<number, Closing>} */
const CLOSINGS = {
  1002: { back: false, word: 'closed', remedy: 'reload' },
  1007: { back: false, word: 'closed', remedy: 'reload' },
  1009: { back: false, word: 'closed', remedy: 'reload' },
  4004: { back: true, afterMs: 30000, word: 'reconnecting', remedy: '' },
  4100: { back: false, word: 'signed_out', remedy: 'sign-in' },
  4101: { back: false, word: 'replaced', remedy: 'reload' },
  4102: { back: false, word: 'closed', remedy: 'reload' },
  4103: { back: false, word: 'old_script', remedy: 'reload' },
  4104: { back: false, word: 'withdrawn', remedy: '' },
  4105: { back: false, word: 'over', remedy: '' }
}

/** @type {Closing} */
const COME_BACK = { back: true, word: 'reconnecting', remedy: '' }

/** @type {Closing} */
const STOP = { back: false, word: 'closed', remedy: 'reload' }

/**
 * A code that this script has never heard of follows the two ranges: from 4100
 * on the server does not want us back.
 *
 * @param {number} code
 * @returns {Closing}
 */
export function readClosing(code) {
  return CLOSINGS[code] ?? (code >= 4100 ? STOP : COME_BACK)
}
