/**
 * Copies what stands in an element. Where the browser has no clipboard for
 * scripts the words are marked, so that the keyboard's own copy takes them.
 *
 * @param {HTMLElement} holder
 * @returns {Promise<boolean>} Whether it is in the clipboard.
 */
export async function copyFrom(holder) {
  const isField = holder instanceof HTMLTextAreaElement
  try {
    await navigator.clipboard.writeText(isField ? holder.value : (holder.textContent ?? ''))
    return true
  } catch {
    if (isField) holder.select()
    else getSelection()?.selectAllChildren(holder)
    return false
  }
}
