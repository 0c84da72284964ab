/**
 * Answers one question after another without loading the page anew. Each answer
 * goes to the server as the plain form would send it; what comes back replaces
 * <main>. Pages already seen are kept in this page's memory, so that the
 * browser's back and forward keys work, and nothing is stored. Whatever goes
 * wrong here, the form is sent in the ordinary way instead.
 */

/** @typedef {{ main: HTMLElement, title: string, isStarted: boolean }} Shown */

/** What each entry of the history showed, by the number it carries. @type {Map<number, Shown>} */
const seen = new Map()
let current = 0
let isListening = false
/** The browser is on its way to another page; until it comes back from there nothing is sent again. */
let isLeaving = false

/** @param {HTMLFormElement} form */
export default function attach(form) {
  if (!isListening) listenToHistory()
  form.addEventListener('submit', (event) => {
    const button = event.submitter instanceof HTMLButtonElement ? event.submitter : null
    event.preventDefault()
    if (!isLeaving && !mainOf(document).hasAttribute('aria-busy')) answer(form, button).catch(() => submitPlainly(form, button))
  })
}

function listenToHistory() {
  isListening = true
  // Out of the browser's cache.
  addEventListener('pageshow', () => (isLeaving = false))
  history.replaceState({ enquiry: current }, '')
  window.addEventListener('popstate', (event) => {
    const wanted = seen.get(event.state?.enquiry)
    if (!wanted) {
      location.reload()
      return
    }
    remember()
    current = event.state.enquiry
    show(wanted)
  })
}

/**
 * @param {HTMLFormElement} form
 * @param {HTMLButtonElement | null} button
 */
async function answer(form, button) {
  const main = mainOf(document)
  main.setAttribute('aria-busy', 'true')
  try {
    const next = await post(form, button)
    if (!next) return
    remember()
    current = Math.max(current, ...seen.keys()) + 1
    history.pushState({ enquiry: current }, '')
    show(next)
  } finally {
    main.removeAttribute('aria-busy')
  }
}

/**
 * The page that answers the form, or null when the answer is another page to go to.
 *
 * @param {HTMLFormElement} form
 * @param {HTMLButtonElement | null} button
 * @returns {Promise<Shown | null>}
 */
async function post(form, button) {
  const fields = new URLSearchParams()
  for (const [name, value] of new FormData(form)) fields.append(name, String(value))
  if (button?.name) fields.append(button.name, button.value)
  const { page, address } = await send(form.action, fields)
  if (new URL(address).pathname !== new URL(form.action).pathname) {
    isLeaving = true
    location.assign(address)
    return null
  }
  return { main: document.importNode(mainOf(page), true), title: page.title, isStarted: false }
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
    request.onerror = () => reject(new Error('no answer'))
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

/**
 * @param {Document} page
 * @returns {HTMLElement}
 */
function mainOf(page) {
  const main = page.querySelector('#main-content')
  if (!(main instanceof HTMLElement)) throw new Error('the page has no main part')
  return main
}
