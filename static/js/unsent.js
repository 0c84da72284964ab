/**
 * What was still being written when nothing more could be sent: it stays on the
 * page, to be copied from there.
 */

import { copyFrom } from './clipboard.js'
import { cloneTemplate, fill, slot } from './fragments.js'

/**
 * @param {ParentNode} root
 * @param {string} text
 * @param {import('./words.js').Words} words
 * @param {() => void} onCopied
 * @returns {HTMLElement}
 */
export function keepUnsent(root, text, words, onCopied) {
  const box = cloneTemplate(root, 'unsent')
  const field = slot(box, 'text')
  if (field instanceof HTMLTextAreaElement) field.value = text
  box.querySelector('[data-action="copy"]')?.addEventListener('click', async () => {
    if (!field || !(await copyFrom(field))) return
    fill(box, 'copied', words('copied'))
    onCopied()
  })
  return box
}
