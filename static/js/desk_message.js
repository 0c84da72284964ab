/**
 * One sentence above the open conversation about what was just done, on the page
 * and from the announcer's region.
 */

import { element } from './fragments.js'

/**
 * @param {HTMLElement} root
 * @param {import('./announcer.js').Announcer} announcer
 * @param {string} sentence Empty takes the last one away.
 */
export function showMessage(root, announcer, sentence) {
  const talk = root.querySelector('.desk__talk')
  let place = talk?.querySelector('.desk__message')
  if (talk && !place && sentence) {
    place = element('p', 'desk__message')
    const bar = talk.querySelector('.talk__bar')
    if (bar) bar.after(place)
    else talk.prepend(place)
  }
  // It is read out from the announcer's region, not from here as well.
  place?.removeAttribute('role')
  if (place) place.textContent = sentence
  if (place instanceof HTMLElement) place.hidden = sentence === ''
  announcer.tell(sentence)
}

/**
 * What stands where the composer was.
 *
 * @param {string} sentence
 * @param {string} label
 * @param {string} address
 */
export function closedSentence(sentence, label, address) {
  const closed = element('p', 'talk__closed', `${sentence} `)
  const next = element('a', 'govuk-link', label)
  next.href = address
  closed.append(next)
  return closed
}
