/**
 * Results while the query is typed: the same page is fetched when the typing pauses, and what it found takes the place of
 * what is shown. A question that is out of date is given up. Without this module the button does it.
 */

import { Announcer } from './announcer.js'
import { fetchPage } from './pages.js'

const PAUSE_MS = 250
const OWN = '[data-module="live_search"]'

/** @param {HTMLElement} found What is replaced; the form stands before it. */
export default function attach(found) {
  const form = document.querySelector('main form.search')
  if (!(form instanceof HTMLFormElement)) return
  const announcer = new Announcer(/** @type {HTMLElement} */ (form.parentElement))
  let asked = new AbortController()
  let timer = 0
  let shown = addressOf(form)
  // Once it was heard as the page loaded; from now on the announcer says how many there are.
  quieten(found)

  async function refresh() {
    const address = addressOf(form)
    if (address === shown) return
    asked.abort()
    asked = new AbortController()
    const { signal } = asked
    const arrival = await fetchPage(address, { signal })
    const there = arrival?.page.querySelector(OWN)
    if (signal.aborted || !arrival?.isOk || !there) return
    shown = address
    quieten(there)
    found.replaceChildren(...document.importNode(there, true).childNodes)
    document.title = arrival.page.title
    history.replaceState(null, '', address)
    announcer.say((found.querySelector('.results__count')?.textContent ?? '').trim())
  }

  function refreshSoon() {
    clearTimeout(timer)
    timer = setTimeout(refresh, PAUSE_MS)
  }

  form.addEventListener('input', refreshSoon)
  // What was typed before this module ran is not lost.
  const box = form.elements.namedItem('q')
  if (box instanceof HTMLInputElement && box.value !== box.defaultValue) {
    shown = ''
    refreshSoon()
  }
}

/** @param {HTMLFormElement} form */
function addressOf(form) {
  const fields = new URLSearchParams()
  for (const [name, value] of new FormData(form)) {
    if (typeof value === 'string' && value.trim()) fields.append(name, value)
  }
  const query = fields.toString()
  return query ? `/guidance?${query}` : '/guidance'
}

/** @param {Element} found */
function quieten(found) {
  found.querySelector('.results__count')?.removeAttribute('role')
}
