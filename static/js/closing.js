/**
 * What each close code asks of the page: come back and how soon, or stop and
 * what to tell the person. The codes are those of docs/protocol.md.
 *
 * @typedef {object} Closing
 * @property {boolean} back Whether to connect again by itself.
 * @property {number} [afterMs] The shortest wait before coming back.
 * @property {string} word Key of the sentence for people, see words.js.
 * @property {'reload' | 'sign-in' | 'take-over' | ''} remedy What the person can do about it.
 * @property {boolean} [refuses] Whether the page's form would be refused as well, so that what is written stays in it.
 */

/** @type {Record<number, Closing>} */
const CLOSINGS = {
  1002: { back: false, word: 'closed', remedy: 'reload' },
  1007: { back: false, word: 'closed', remedy: 'reload' },
  1009: { back: false, word: 'closed', remedy: 'reload' },
  4004: { back: true, afterMs: 30000, word: 'reconnecting', remedy: '' },
  4100: { back: false, word: 'signed_out', remedy: 'sign-in', refuses: true },
  4101: { back: false, word: 'replaced', remedy: 'take-over' },
  4102: { back: false, word: 'closed', remedy: 'reload' },
  4103: { back: false, word: 'old_script', remedy: 'reload' },
  4104: { back: false, word: 'withdrawn', remedy: '', refuses: true },
  4105: { back: false, word: 'over', remedy: '', refuses: true }
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
