/**
 * Shows in words how the connection is. A gap of a moment is not worth a word:
 * only what lasts is shown, except that being connected again is said at once.
 */

import { element } from './fragments.js'

const LASTING_MS = 1500

/**
 * @param {HTMLElement | null} place
 * @param {import('./connection.js').Connection} connection
 * @param {import('./words.js').Words} words
 */
export function showLineState(place, connection, words) {
  if (!place) return
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer

  /** @param {{name: string, closing?: import('./closing.js').Closing | null}} state */
  const show = ({ name, closing }) => {
    place.dataset.state = name
    place.textContent = words(closing?.word ?? name)
    if (closing?.remedy) place.append(' ', remedyLink(closing.remedy, words))
  }

  const follow = (/** @type {any} */ state) => {
    clearTimeout(timer)
    const isAtOnce = ['connected', 'offline', 'closed'].includes(state.name)
    if (isAtOnce) show(state)
    else timer = setTimeout(() => show(state), LASTING_MS)
  }

  connection.on('state', follow)
  follow({ name: connection.state })
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
