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
    const sentence = words(state.closing?.word ?? state.name)
    // Put there again it would be read out again.
    if (place.dataset.state === state.name && place.textContent === sentence) return
    place.dataset.state = state.name
    place.textContent = sentence
    if (state.closing?.remedy) place.append(' ', remedyOf(state.closing.remedy, connection, words))
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
 * @param {import('./connection.js').Connection} connection
 * @param {import('./words.js').Words} words
 * @returns {HTMLElement}
 */
function remedyOf(remedy, connection, words) {
  if (remedy === 'take-over') return takeOverButton(connection, words)
  const link = element('a', 'govuk-link', words(remedy === 'sign-in' ? 'sign_in' : 'load_again'))
  if (remedy === 'reload') {
    link.href = location.pathname
    return link
  }
  // In a tab of its own, so that what is written here stays.
  link.href = location.pathname.startsWith('/desk') ? `/sign-in?next=${encodeURIComponent(location.pathname)}` : '/resume'
  link.target = '_blank'
  link.rel = 'noopener'
  return link
}

/**
 * @param {import('./connection.js').Connection} connection
 * @param {import('./words.js').Words} words
 */
function takeOverButton(connection, words) {
  const button = element('button', 'link-button', words('use_this'))
  button.type = 'button'
  button.addEventListener('click', () => connection.revive())
  return button
}
