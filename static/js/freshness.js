/** How fresh an article is, as the page's own templates say it. */

import { cloneTemplate } from './fragments.js'
import { dateText } from './times.js'

/**
 * @param {ParentNode} root
 * @param {import('./words.js').Words} words
 * @param {{freshness?: string, checked_on?: string | null}} article
 */
export function freshnessOf(root, words, { freshness = 'current', checked_on: checkedOn }) {
  const label = cloneTemplate(root, `freshness-${freshness}`)
  if (checkedOn && freshness === 'current') label.textContent = words('checked', { date: dateText(new Date(checkedOn)) })
  return label
}
