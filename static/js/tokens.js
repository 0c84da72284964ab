/**
 * Form tokens belong to a sign-in. Who signed in again in another tab goes on in
 * this one, whose forms take over the new token.
 */

import { fetchPage } from './pages.js'

/** @param {HTMLElement} root The module's root, which carries the token. */
export async function renewTokens(root) {
  const arrival = await fetchPage(location.href)
  const token = arrival?.page.querySelector('main')?.dataset.csrf
  if (!token) return
  root.dataset.csrf = token
  const templates = [...document.querySelectorAll('template')].map(({ content }) => content)
  for (const part of [document, ...templates]) {
    for (const field of part.querySelectorAll('input[name="csrf_token"]')) field.setAttribute('value', token)
  }
}
