/**
 * What an advisor chose for this browser: sound, alerts, keys. Only such
 * switches are kept in the browser's storage, never anything of a conversation.
 */

const KEY = 'desk'

/** @typedef {{sound: boolean, alerts: boolean, keys: boolean, enterSends: boolean}} Choices */

/** @type {Choices} */
const DEFAULTS = { sound: false, alerts: false, keys: true, enterSends: false }

/** @returns {Choices} */
export function readChoices() {
  try {
    return { ...DEFAULTS, ...JSON.parse(localStorage.getItem(KEY) ?? '{}') }
  } catch {
    return { ...DEFAULTS }
  }
}

/** @param {Choices} choices */
export function keepChoices(choices) {
  try {
    localStorage.setItem(KEY, JSON.stringify(choices))
  } catch {
    // Storage is switched off: the choice holds for this page.
  }
}
