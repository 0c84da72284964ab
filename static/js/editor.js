/**
 * The live preview beside an article's text, rendered by the server as readers will see it. Asks for it when the typing
 * pauses, one question at a time; says in words when it cannot. Without this module the button "Refresh preview" does it.
 * While the page is open it also says so to the server, and shows who else has the article open.
 */

import { postJson } from './post.js'
import { parsePage } from './trusted.js'

const PAUSE_MS = 400
const RENEW_MS = 30000
const NOT_SHOWN = 'The preview could not be loaded. Your text is still here.'

/** @param {HTMLElement} form */
export default function attach(form) {
  const text = form.querySelector('[data-slot="markdown"]')
  const preview = form.querySelector('[data-slot="preview"]')
  const state = form.querySelector('[data-slot="state"]')
  const button = form.querySelector('[data-slot="preview-button"]')
  if (!(text instanceof HTMLTextAreaElement) || !preview || !state) return

  let timer = 0
  let asking = false
  // What was typed before this module ran is not in the preview that the page came with.
  let shown = preview.childElementCount > 0 ? text.defaultValue : ''

  async function refresh() {
    // The next question waits for this answer; by then it asks for the newest text.
    if (asking || text.value === shown) return
    asking = true
    shown = text.value
    const { status, body } = await postJson(form.dataset.preview ?? '', form.dataset.csrf ?? '', {
      markdown: shown,
      audience: valueOf(form, 'audience'),
      language: valueOf(form, 'language'),
    })
    asking = false
    state.textContent = status === 200 ? '' : (body.message ?? NOT_SHOWN)
    if (status === 200) preview.replaceChildren(...document.importNode(parsePage(body.html).body, true).childNodes)
    if (text.value !== shown) wait()
  }

  function wait() {
    clearTimeout(timer)
    timer = setTimeout(refresh, PAUSE_MS)
  }

  if (button instanceof HTMLElement) button.hidden = true
  text.addEventListener('input', wait)
  wait()
  askBeforeLeaving(form, text.value !== text.defaultValue)
  keepOpen(form)
}

/**
 * Twice a minute: this page is still open. Who else has it open is said when that changes, and so is a newer version.
 *
 * @param {HTMLElement} form
 */
function keepOpen(form) {
  const others = form.querySelector('[data-slot="others"]')
  const { here, csrf, version } = form.dataset
  if (!others || !here) return

  async function renew() {
    const { status, body } = await postJson(here, csrf ?? '', {})
    if (status !== 200) return
    const newer = body.version > Number(version)
      ? [`Version ${body.version} was saved meanwhile. When you save, both texts are shown.`]
      : []
    const words = [...body.sentences, ...newer].join(' ')
    if (others.textContent?.trim() !== words) others.textContent = words
  }

  renew()
  setInterval(renew, RENEW_MS)
}

/** @param {HTMLElement} form @param {string} name @returns {string} */
function valueOf(form, name) {
  const field = form.querySelector(`[name="${name}"]`)
  return field instanceof HTMLSelectElement ? field.value : ''
}

/**
 * A closed tab loses no text without a question.
 *
 * @param {HTMLElement} form
 * @param {boolean} changed Whether something was typed already.
 */
function askBeforeLeaving(form, changed) {
  form.addEventListener('input', () => { changed = true })
  form.addEventListener('submit', () => { changed = false })
  addEventListener('beforeunload', (event) => {
    if (changed) event.preventDefault()
  })
}
