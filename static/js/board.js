/**
 * The supervisor's board: loads its own page again every few seconds and puts
 * the new parts in place of those that changed. The focus stays where it is.
 */

import { slot } from './fragments.js'
import { keepFocus } from './keep_focus.js'
import { fetchPage } from './pages.js'

const EVERY_MS = 5000
const PARTS = ['alerts', 'notices', 'numbers', 'waiting', 'advisors', 'active']

/** @param {HTMLElement} board */
export default function start(board) {
  const at = slot(document, 'at')
  let isLooking = false

  async function look() {
    if (document.hidden || isLooking) return
    isLooking = true
    const arrival = await fetchPage(location.pathname)
    isLooking = false
    const fresh = arrival?.isOk ? slot(arrival.page, 'board') : null
    const stale = slot(document, 'stale')
    if (stale) stale.hidden = Boolean(fresh)
    if (!arrival || !fresh) return
    for (const name of PARTS) replacePart(board, fresh, name)
    const freshAt = slot(arrival.page, 'at')
    if (at && freshAt) replaceIn(at, freshAt)
  }

  setInterval(look, EVERY_MS)
  document.addEventListener('visibilitychange', look)
}

/**
 * @param {HTMLElement} board
 * @param {HTMLElement} fresh
 * @param {string} name
 */
function replacePart(board, fresh, name) {
  const before = slot(board, name)
  const after = slot(fresh, name)
  // Not under a press, which would lead nowhere.
  if (before && after && !before.isEqualNode(after) && !before.matches(':active')) replaceIn(before, after)
}

/**
 * @param {HTMLElement} before
 * @param {HTMLElement} after
 */
function replaceIn(before, after) {
  const refocus = keepFocus(before)
  before.replaceChildren(...document.importNode(after, true).childNodes)
  refocus(before)
}
