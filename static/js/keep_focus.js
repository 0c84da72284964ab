/**
 * A part of the page that is drawn anew keeps the focus of whoever is in it: on
 * its counterpart, else on the heading of its block. Nothing scrolls for it.
 */

/**
 * @param {Element} part It is about to be replaced, or what it holds.
 * @returns {(fresh: ParentNode) => void} Puts the focus into what stands there now.
 */
export function keepFocus(part) {
  const focused = document.activeElement
  if (!(focused instanceof HTMLElement) || !part.contains(focused)) return () => {}
  const [href, region] = [focused.getAttribute('href'), focused.getAttribute('aria-labelledby')]
  const form = focused.closest('form')
  const title = focused.closest('section')?.getAttribute('aria-labelledby')
  return (fresh) => {
    const target = focused.isConnected
      ? focused
      : (focused.id && only(fresh, `#${CSS.escape(focused.id)}`)) ||
        (href && only(fresh, `a[href="${CSS.escape(href)}"]`)) ||
        (region && only(fresh, `[tabindex][aria-labelledby="${region}"]`)) ||
        (form && sameForm(fresh, form)?.querySelector('button')) ||
        (title && headingOf(title)) ||
        reachable(part)
    if (target instanceof HTMLElement) target.focus({ preventScroll: true })
  }
}

/**
 * @param {ParentNode} place
 * @param {string} selector
 */
function only(place, selector) {
  const found = place.querySelectorAll(selector)
  return found.length === 1 ? found[0] : null
}

/**
 * The form that does the same to the same.
 *
 * @param {ParentNode} place
 * @param {HTMLFormElement} form
 */
function sameForm(place, form) {
  const wanted = deedOf(form)
  return [...place.querySelectorAll('form')].find((one) => deedOf(one) === wanted)
}

/** @param {HTMLFormElement} form */
function deedOf(form) {
  /** @type {NodeListOf<HTMLInputElement>} */
  const hidden = form.querySelectorAll('input[type="hidden"]:not([name="csrf_token"])')
  return [form.getAttribute('action'), ...[...hidden].map(({ value }) => value)].join(' ')
}

/** @param {string} id */
const headingOf = (id) => reachable(document.getElementById(id))

/** @param {Element | null} element */
function reachable(element) {
  if (element instanceof HTMLElement && element.isConnected) element.tabIndex = -1
  return element
}
