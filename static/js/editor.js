/**
 * Shows an article as it will look while it is being written: a moment after the
 * last keystroke the text goes to the address in `data-preview`, and the page
 * that comes back is shown beside it. Without this, the button does the same.
 */

const PAUSE_MS = 400

/** @param {HTMLFormElement} form */
export default function attach(form) {
  const text = form.querySelector('[data-slot="body"]')
  const preview = form.querySelector('[data-slot="preview"]')
  const button = form.querySelector('[data-slot="preview-button"]')
  if (!(text instanceof HTMLTextAreaElement) || !(preview instanceof HTMLElement) || !form.dataset.preview) return
  if (button instanceof HTMLElement) button.hidden = true
  let timer = 0
  /** @type {XMLHttpRequest | null} */
  let running = null
  text.addEventListener('input', () => {
    clearTimeout(timer)
    timer = setTimeout(() => {
      running?.abort()
      running = draw(form, text.value, preview)
    }, PAUSE_MS)
  })
}

/**
 * XMLHttpRequest, because it hands over a parsed document: with Trusted Types no text may be parsed by a script.
 *
 * @param {HTMLFormElement} form
 * @param {string} text
 * @param {HTMLElement} preview
 */
function draw(form, text, preview) {
  const request = new XMLHttpRequest()
  request.open('POST', form.dataset.preview ?? '')
  request.responseType = 'document'
  request.setRequestHeader('Accept', 'text/html')
  request.onload = () => {
    if (request.status !== 200 || !request.responseXML) return
    const drawn = document.importNode(request.responseXML.body, true)
    preview.replaceChildren(...drawn.childNodes)
  }
  request.send(new URLSearchParams({ csrf_token: form.dataset.csrf ?? '', body: text }))
  return request
}
