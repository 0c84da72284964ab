/**
 * Fetches pages of this service and posts their forms as the browser would,
 * redirects included, without leaving the page that is open.
 *
 * @typedef {object} Arrival
 * @property {Document} page
 * @property {string} address Where the redirects ended.
 * @property {boolean} isOk
 * @property {number} askedAt When it was asked for, by performance.now().
 */

import { readTime } from './server_clock.js'
import { parsePage } from './trusted.js'

const TIMEOUT_MS = 15000

/**
 * Null when there was no answer.
 *
 * @param {string | URL} address
 * @param {RequestInit} [options]
 * @returns {Promise<Arrival | null>}
 */
export async function fetchPage(address, options = {}) {
  const giveUp = new AbortController()
  const timer = setTimeout(() => giveUp.abort(), TIMEOUT_MS)
  // Whoever asked may give up too.
  options.signal?.addEventListener('abort', () => giveUp.abort())
  const [askedAt, clock] = [performance.now(), Date.now()]
  try {
    const answer = await fetch(address, { headers: { Accept: 'text/html' }, ...options, signal: giveUp.signal })
    if (!(answer.headers.get('Content-Type') ?? '').includes('text/html')) return null
    const page = parsePage(await answer.text())
    readTime(page, clock)
    return { page, address: answer.url, isOk: answer.ok, askedAt }
  } catch {
    return null
  } finally {
    clearTimeout(timer)
  }
}

/**
 * @param {HTMLFormElement} form
 * @param {HTMLElement | null} submitter
 */
export function submitForm(form, submitter) {
  const fields = new URLSearchParams()
  for (const [name, value] of new FormData(form)) {
    if (typeof value === 'string') fields.append(name, value)
  }
  if (submitter instanceof HTMLButtonElement && submitter.name) fields.append(submitter.name, submitter.value)
  // A control named "action" or "method" would hide the form's own property.
  const address = new URL(form.getAttribute('action') ?? '', location.href)
  if (form.getAttribute('method')?.toLowerCase() === 'post') return fetchPage(address, { method: 'POST', body: fields })
  address.search = fields.toString()
  return fetchPage(address)
}

/** What a page that is not the expected one says, in one line. @param {Document} page */
export function gist(page) {
  const main = page.querySelector('main')
  const parts = [...(main?.querySelectorAll('h1, p, .govuk-error-message') ?? [])].slice(0, 2)
  return parts.map((part) => (part.textContent ?? '').trim()).join('. ')
}
