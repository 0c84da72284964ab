/**
 * The panel that opens when a message seems to identify a person: the words are
 * marked, and the writer changes them, hides them or sends them all the same.
 * Nothing of the message has left this page for anybody's eyes by then.
 *
 * @typedef {{kind: string, start: number, end: number, text: string}} Finding
 */

import { cloneTemplate, element, fill, slot } from './fragments.js'

/**
 * The text in pieces, each with the kind of what was found in it, or null. The
 * server counts characters as code points, and may have tidied the text.
 *
 * @param {string} text
 * @param {Finding[]} findings
 * @returns {Array<[string, string | null]>}
 */
export function cutAtFindings(text, findings) {
  const characters = Array.from(text)
  /** @type {Array<[string, string | null]>} */
  const pieces = []
  let at = 0
  for (const { kind, start, end, text: found } of [...findings].sort((one, other) => one.start - other.start)) {
    const from = startOf(characters, found, start, at)
    if (from < at) continue
    const to = from + (end - start)
    if (from > at) pieces.push([characters.slice(at, from).join(''), null])
    pieces.push([characters.slice(from, to).join(''), kind])
    at = to
  }
  if (at < characters.length) pieces.push([characters.slice(at).join(''), null])
  return pieces
}

/**
 * Where the words stand, if not where the server counted them; -1 when nowhere.
 *
 * @param {string[]} characters
 * @param {string} found
 * @param {number} start
 * @param {number} from
 */
function startOf(characters, found, start, from) {
  const wanted = Array.from(found)
  if (!found || characters.slice(start, start + wanted.length).join('') === found) return start
  const rest = characters.slice(from).join('')
  const index = rest.indexOf(found)
  return index < 0 ? -1 : from + Array.from(rest.slice(0, index)).length
}

/**
 * @param {string} text
 * @param {Finding[]} findings
 * @param {import('./words.js').Words} words
 */
export function maskFindings(text, findings, words) {
  return cutAtFindings(text, findings)
    .map(([piece, kind]) => (kind ? `[${words(kind)}]` : piece))
    .join('')
}

/**
 * @param {HTMLElement} root
 * @param {import('./words.js').Words} words
 * @param {{text: string, findings: Finding[]}} held
 * @param {{edit: () => void, mask: (masked: string) => void, send: () => void}} answers
 * @param {HTMLElement} [form] At whose top it opens; else it opens above the composer.
 * @returns {HTMLElement} The panel, which removes itself when it is answered.
 */
export function openHold(root, words, { text, findings }, answers, form) {
  const panel = cloneTemplate(root, 'hold')
  slot(panel, 'marked')?.replaceChildren(
    ...cutAtFindings(text, findings).map(([piece, kind]) => (kind ? element('mark', '', piece) : document.createTextNode(piece)))
  )
  slot(panel, 'findings')?.replaceChildren(
    ...findings.map(({ kind, text: found }) => {
      const item = element('li', '', `${words(kind)}: `)
      item.append(element('mark', '', found))
      return item
    })
  )
  const actions = {
    'hold-edit': answers.edit,
    'hold-mask': () => answers.mask(maskFindings(text, findings, words)),
    'hold-send': answers.send
  }
  for (const [name, answer] of Object.entries(actions)) {
    panel.querySelector(`[data-action="${name}"]`)?.addEventListener('click', () => {
      panel.remove()
      answer()
    })
  }
  // Two may be open, one over a message and one over a note.
  const title = panel.querySelector('.hold__title')
  if (title && form) {
    title.id = 'hold-note-title'
    panel.setAttribute('aria-labelledby', title.id)
  }
  const place = slot(root, 'hold-place')
  if (form) form.prepend(panel)
  else if (place) place.append(panel)
  else slot(root, 'composer')?.before(panel)
  return panel
}
