/**
 * A POST of JSON that never throws: no answer at all reads as status 0, so that
 * whoever sent it keeps what it has and tries again.
 */

const TIMEOUT_MS = 20000

/**
 * @param {string} path
 * @param {string} token The form token of the page.
 * @param {object} content
 * @param {RequestInit} [options]
 * @returns {Promise<{status: number, body: any}>}
 */
export async function postJson(path, token, content, options = {}) {
  const giveUp = new AbortController()
  const timer = setTimeout(() => giveUp.abort(), TIMEOUT_MS)
  try {
    const answer = await fetch(path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Accept: 'application/json', 'X-CSRF-Token': token },
      body: JSON.stringify(content),
      signal: giveUp.signal,
      ...options
    })
    return { status: answer.status, body: await readBody(answer) }
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
