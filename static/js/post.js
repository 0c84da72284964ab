/**
 * A POST of JSON that never throws: no answer at all reads as status 0, so that
 * whoever sent it keeps what it has and tries again.
 */

const TIMEOUT_MS = 20000

/**
 * @param {string} path
 * @param {string} token The form token of the page.
 * @param {object} content
 * @returns {Promise<{status: number, body: any}>}
 */
export async function postJson(path, token, content) {
  return send(path, token, JSON.stringify(content), 'application/json')
}

/**
 * Posts a form as the browser would, but asks for JSON in answer.
 *
 * @param {HTMLFormElement} form
 * @param {HTMLElement | null} [button] Whose name and value belong to it.
 * @returns {Promise<{status: number, body: any}>}
 */
export async function postForm(form, button = null) {
  const fields = new URLSearchParams()
  for (const [name, value] of new FormData(form)) {
    if (typeof value === 'string') fields.append(name, value)
  }
  if (button instanceof HTMLButtonElement && button.name) fields.append(button.name, button.value)
  const token = fields.get('csrf_token') ?? ''
  return send(form.action, token, fields, 'application/x-www-form-urlencoded')
}

/**
 * @param {string} path
 * @param {string} token
 * @param {string | URLSearchParams} body
 * @param {string} kind
 */
async function send(path, token, body, kind) {
  const giveUp = new AbortController()
  const timer = setTimeout(() => giveUp.abort(), TIMEOUT_MS)
  try {
    const answer = await fetch(path, {
      method: 'POST',
      headers: { 'Content-Type': kind, Accept: 'application/json', 'X-CSRF-Token': token },
      body,
      signal: giveUp.signal
    })
    return { status: answer.status, body: await readBody(answer), url: answer.url }
  } catch {
    return { status: 0, body: {} }
  } finally {
    clearTimeout(timer)
  }
}

/** @param {Response} answer */
async function readBody(answer) {
  if (!(answer.headers.get('Content-Type') ?? '').includes('json')) return {}
  try {
    return await answer.json()
  } catch {
    return {}
  }
}
