/**
 * The one place where text from the server becomes nodes: pages of this service,
 * parsed into a document of their own in which nothing runs. The policy's name
 * is the one that the content security policy allows.
 */

const rules = { createHTML: (/** @type {string} */ page) => page }
const policy = globalThis.trustedTypes?.createPolicy('dutyline', rules) ?? rules

/**
 * @param {string} page
 * @returns {Document}
 */
export function parsePage(page) {
  return new DOMParser().parseFromString(/** @type {string} */ (policy.createHTML(page)), 'text/html')
}
