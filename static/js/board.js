/**
 * The supervisor's board: loads its own page again every few seconds and puts
 * the new parts in place of those that changed, so that what is being read or
 * has the focus stays where it is.
 */

import { slot } from './fragments.js'
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
    if (at && freshAt) at.replaceChildren(...document.importNode(freshAt, true).childNodes)
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
  if (!before || !after || before.isEqualNode(after) || before.contains(document.activeElement)) return
  before.replaceChildren(...document.importNode(after, true).childNodes)
}
