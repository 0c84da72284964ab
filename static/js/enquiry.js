/**
 * Answers one question after another without loading the page anew. Each answer
 * goes to the server as the plain form would send it; what comes back replaces
 * <main>. Pages already seen are kept in this page's memory, so that the
 * browser's back and forward keys work, and nothing is stored. A field beside
 * <main> that nobody sees holds the answers as well: a browser that fills in the
 * fields of a page again when somebody comes back to it, or loads it anew, does
 * so with this one. Whatever goes wrong here, the form is sent in the ordinary
 * way instead.
 */

import { askBeforeLeaving, isLeavingInHaste } from './leaving.js'

/** @typedef {{ main: HTMLElement, title: string, isStarted: boolean }} Shown */

/** Fields that say nothing about an enquiry, or have a value before anybody chose one. */
const UNASKED = new Set(['csrf_token', 'step', 'enquiry_id', 'leave', 'all', 'language'])
/** Pages that are no question, and the question that they follow. @type {Record<string, string>} */
const FOLLOWS = { called_999: 'immediate_danger', check: 'question' }

/** After so long without an answer the form goes in the ordinary way: it is told by its id if it was taken before. */
const TIMEOUT_MS = 15000

/** What each entry of the history showed, by the number it carries. @type {Map<number, Shown>} */
const seen = new Map()
let current = 0
let isListening = false
/** The browser is on its way to another page; until it comes back from there nothing is sent again. */
let isLeaving = false

/** @param {HTMLFormElement} form */
export default function attach(form) {
  form.addEventListener('submit', (event) => {
    const button = event.submitter instanceof HTMLButtonElement ? event.submitter : null
    event.preventDefault()
    if (!isLeaving && !isBusy()) answer(form, button).catch(() => submitPlainly(form, button))
  })
  if (!isListening) begin()
}

function begin() {
  isListening = true
  current = history.state?.enquiry ?? 0
  const step = keptField()?.value ? history.state?.step : null
  history.replaceState({ enquiry: current, step: step ?? stepOf(document) }, '')
  listenToHistory()
  document.addEventListener('input', keep)
  // A form that is not answered here leaves the page, and its answers with it.
  document.addEventListener('submit', (event) => (isLeaving ||= !event.defaultPrevented))
  askBeforeLeaving(() => !isLeaving && isAnswered())
  addEventListener('beforeunload', () => isLeavingInHaste() && forget())
  if (step) bringBack(step)
}

function listenToHistory() {
  // Out of the browser's cache.
  addEventListener('pageshow', () => (isLeaving = false))
  window.addEventListener('popstate', ({ state }) => {
    // A link to a place on this page has no number.
    if (state?.enquiry === undefined || state.enquiry === current) return
    const wanted = seen.get(state.enquiry)
    remember()
    current = state.enquiry
    if (wanted) show(wanted)
    else bringBack(state.step)
  })
}

/**
 * @param {HTMLFormElement} form
 * @param {HTMLButtonElement | null} button
 */
async function answer(form, button) {
  const fields = fieldsOf(form)
  if (button?.name) fields.append(button.name, button.value)
  const next = await post(form.action, fields)
  if (!next) return
  remember()
  current = Math.max(current, ...seen.keys()) + 1
  history.pushState({ enquiry: current, step: stepOf(next.main) ?? stepNow() }, '')
  show(next)
}

/**
 * The page of a step that this page has not seen since it was loaded, with the answers that the browser filled in.
 *
 * @param {string} step
 */
async function bringBack(step) {
  const form = formOf(mainOf(document))
  const answers = keptField()?.value
  if (!form || !answers || isBusy()) return
  const fields = new URLSearchParams(answers)
  fields.set('csrf_token', fieldsOf(form).get('csrf_token') ?? '')
  fields.set('step', FOLLOWS[step] ?? step)
  fields.set('go', step in FOLLOWS ? 'next' : `change:${step}`)
  const wanted = current
  const page = await post(form.action, fields).catch(() => null)
  if (page && wanted === current) show(page)
}

/**
 * The page that answers, or null when the answer is another page to go to.
 *
 * @param {string} action
 * @param {URLSearchParams} fields
 * @returns {Promise<Shown | null>}
 */
async function post(action, fields) {
  const main = mainOf(document)
  main.setAttribute('aria-busy', 'true')
  try {
    const { page, address } = await send(action, fields)
    if (new URL(address).pathname === new URL(action).pathname) {
      return { main: document.importNode(mainOf(page), true), title: page.title, isStarted: false }
    }
    isLeaving = true
    // It is with the service now.
    forget()
    location.assign(address)
    return null
  } finally {
    main.removeAttribute('aria-busy')
  }
}

/**
 * XMLHttpRequest, because it hands over a parsed document: with Trusted Types no text may be parsed by a script.
 *
 * @param {string} action
 * @param {URLSearchParams} fields
 * @returns {Promise<{ page: Document, address: string }>}
 */
function send(action, fields) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    request.open('POST', action)
    request.responseType = 'document'
    request.setRequestHeader('Accept', 'text/html')
    request.onload = () => {
      const isPage = request.status === 200 || request.status === 422
      if (isPage && request.responseXML) resolve({ page: request.responseXML, address: request.responseURL })
      else reject(new Error(`answered with ${request.status}`))
    }
    request.timeout = TIMEOUT_MS
    request.onerror = request.ontimeout = () => reject(new Error('no answer'))
    request.send(fields)
  })
}

function remember() {
  seen.set(current, { main: mainOf(document), title: document.title, isStarted: true })
}

/** @param {Shown} page */
function show({ main, title, isStarted }) {
  mainOf(document).replaceWith(main)
  document.title = title
  window.scrollTo(0, 0)
  if (!isStarted) main.dispatchEvent(new CustomEvent('dutyline:content', { bubbles: true }))
  keep()
  focusOn(main.querySelector('.govuk-error-summary') ?? main.querySelector('[data-focus]') ?? main.querySelector('h1'))
}

/** @param {Element | null} element */
function focusOn(element) {
  if (!(element instanceof HTMLElement)) return
  if (!element.matches('a, button, input, [tabindex]')) element.setAttribute('tabindex', '-1')
  element.focus()
}

/**
 * @param {HTMLFormElement} form
 * @param {HTMLButtonElement | null} button
 */
function submitPlainly(form, button) {
  isLeaving = true
  if (button?.name) {
    const field = document.createElement('input')
    field.type = 'hidden'
    field.name = button.name
    field.value = button.value
    form.append(field)
  }
  // Unlike requestSubmit, this asks nobody again.
  form.submit()
}

/** Where the browser finds the answers, to fill them in again. */
function keep() {
  const form = formOf(mainOf(document))
  const field = keptField()
  if (!form || !field) return
  const answers = fieldsOf(form)
  answers.delete('csrf_token')
  field.value = answers.toString()
}

function forget() {
  const field = keptField()
  if (field) field.value = ''
}

function isAnswered() {
  const form = formOf(mainOf(document))
  return form !== null && [...fieldsOf(form)].some(([name, value]) => !UNASKED.has(name) && value !== '')
}

const isBusy = () => mainOf(document).hasAttribute('aria-busy')

/** @param {ParentNode} main */
const formOf = (main) => /** @type {HTMLFormElement | null} */ (main.querySelector('form#ask'))

/** Which page of the enquiry it is; not said where the enquiry ends. @param {ParentNode} main */
function stepOf(main) {
  const form = formOf(main)
  return (form && fieldsOf(form).get('step')) ?? undefined
}

const stepNow = () => history.state?.step ?? stepOf(document)

const keptField = () => /** @type {HTMLInputElement | null} */ (document.querySelector('[data-slot="kept"]'))

/** @param {HTMLFormElement} form */
function fieldsOf(form) {
  const fields = new URLSearchParams()
  for (const [name, value] of new FormData(form)) fields.append(name, String(value))
  return fields
}

/**
 * @param {Document} page
 * @returns {HTMLElement}
 */
function mainOf(page) {
  const main = page.querySelector('#main-content')
  if (!(main instanceof HTMLElement)) throw new Error('the page has no main part')
  return main
}
