/**
 * A note that colleagues wrote, in the right column. The page that answers one's
 * own note may bring it as well; it stands there once.
 */

import { cloneTemplate, fill, slot } from './fragments.js'
import { clockText } from './times.js'

/**
 * @param {HTMLElement} root
 * @param {import('./transports.js').Frame} event
 */
export function addNote(root, { author, text, at }) {
  const notes = slot(root, 'notes')
  const isThere = [...(notes?.children ?? [])].some((note) => slot(note, 'text')?.textContent?.trim() === text.trim())
  if (!notes || isThere) return
  const item = cloneTemplate(root, 'staff-note')
  fill(item, 'author', author.name)
  fill(item, 'text', text)
  fill(item, 'time', clockText(new Date(at)))
  notes.append(item)
}
