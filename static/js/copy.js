/**
 * A button that copies the text of the elements named in `data-copy` (ids, in
 * order, one a line) and says in words that it did. Shown only where the browser
 * can copy; the text stands on the page in any case.
 *
 * @param {HTMLElement} root
 */
export default function attach(root) {
  const button = root.querySelector('button')
  const status = root.querySelector('[role="status"]')
  if (!button || !(status instanceof HTMLElement) || !navigator.clipboard) return
  root.hidden = false
  button.addEventListener('click', async () => {
    const ids = (root.dataset.copy ?? '').split(' ')
    const lines = ids.map((id) => document.getElementById(id)?.textContent?.trim() ?? '')
    await navigator.clipboard.writeText(lines.join('\n'))
    status.textContent = status.dataset.copied ?? ''
  })
}
