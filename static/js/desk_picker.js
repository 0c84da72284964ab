/** Fills the picker above the composer: saved replies of the page, guidance from the desk's own search. */

import { slot } from './fragments.js'
import { fetchPage } from './pages.js'
import { Picker } from './picker.js'

const SEARCH_FROM = 3

/** @param {any} desk The Desk of desk.js. */
export function deskPicker(desk) {
  const text = desk.talk?.composer?.text
  if (!text) return
  new Picker(desk.root, text, {
    '/': async (query) => findReplies(desk.root, query),
    '@': (query, signal) => findGuidance(desk, query, signal)
  })
}

/**
 * @param {HTMLElement} root
 * @param {string} query
 * @returns {import('./picker.js').Option[]}
 */
function findReplies(root, query) {
  const template = root.querySelector('#replies')
  const replies = template instanceof HTMLTemplateElement ? [...template.content.querySelectorAll('p')] : []
  const wanted = query.toLowerCase()
  return replies
    .map((reply) => ({ key: reply.dataset.shortcut ?? '', title: reply.dataset.title ?? '', text: reply.textContent ?? '' }))
    .filter(({ key, title }) => key.toLowerCase().startsWith(wanted) || title.toLowerCase().includes(wanted))
    .map(({ key, title, text }) => ({ key: `/${key}`, title, text, take: () => text }))
}

/**
 * What is suggested anyway first; from three letters on, what the search finds.
 *
 * @param {any} desk
 * @param {string} query
 * @param {AbortSignal} signal
 * @returns {Promise<import('./picker.js').Option[]>}
 */
async function findGuidance(desk, query, signal) {
  const { reference } = desk.workspace
  const here = slot(desk.root, 'suggestions') ?? slot(desk.root, 'found')
  if (query.length < SEARCH_FROM) return optionsOf(desk, here, query)
  const arrival = await fetchPage(`/desk/conversations/${reference}?q=${encodeURIComponent(query)}`, { signal })
  return arrival?.isOk ? optionsOf(desk, slot(arrival.page, 'found'), '') : []
}

/**
 * @param {any} desk
 * @param {Element | null} list
 * @param {string} query
 * @returns {import('./picker.js').Option[]}
 */
function optionsOf(desk, list, query) {
  return [...(list?.children ?? [])]
    .map((item) => ({
      key: '@',
      title: (slot(item, 'title')?.textContent ?? '').trim(),
      text: (slot(item, 'why')?.textContent ?? '').trim(),
      take: () => {
        const form = slot(item, 'share')
        if (form instanceof HTMLFormElement) desk.workspace.submit(form, null)
        return ''
      }
    }))
    .filter(({ title }) => title.toLowerCase().includes(query.toLowerCase()))
}
