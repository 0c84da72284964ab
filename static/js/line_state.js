/**
 * Shows in words how the connection is. A gap of a moment is not worth a word:
 * only what lasts is shown, except that being connected again is said at once.
 */

import { element } from './fragments.js'

const LASTING_MS = 1500
const AT_ONCE = new Set(['connected', 'offline', 'closed'])

/**
 * @param {() => HTMLElement | null} findPlace Where the words stand right now.
 * @param {import('./connection.js').Connection} connection
 * @param {import('./words.js').Words} words
 * @returns {() => void} Shows it again, as when the place is a new one.
 */
export function showLineState(findPlace, connection, words) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer
  /** @type {{name: string, closing?: import('./closing.js').Closing | null}} */
  let state = { name: connection.state }

  const show = () => {
    const place = findPlace()
    if (!place) return
    place.dataset.state = state.name
    place.textContent = words(state.closing?.word ?? state.name)
    if (state.closing?.remedy) place.append(' ', remedyLink(state.closing.remedy, words))
  }

  const follow = () => {
    clearTimeout(timer)
    timer = setTimeout(show, AT_ONCE.has(state.name) ? 0 : LASTING_MS)
  }

  connection.on('state', (next) => {
    state = next
    follow()
  })
  follow()
  return show
}

/**
 * @param {string} remedy
 * @param {import('./words.js').Words} words
 */
function remedyLink(remedy, words) {
  const isSignIn = remedy === 'sign-in'
  const link = element('a', 'govuk-link', words(isSignIn ? 'sign_in' : 'load_again'))
  link.href = isSignIn && location.pathname.startsWith('/desk') ? `/sign-in?next=${encodeURIComponent(location.pathname)}` : location.pathname
  return link
}
