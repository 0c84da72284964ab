/** Asks before a page goes together with what somebody has entered on it. */

const CALL_MS = 1000

/** @param {() => boolean} isUnsent Whether something would be lost with the page. */
export function askBeforeLeaving(isUnsent) {
  let called = -CALL_MS
  // To a browser a telephone number is an address like any other. The page stays, and nobody who calls 999 is to be held up.
  document.addEventListener('click', ({ target, timeStamp }) => {
    if (target instanceof Element && target.closest('a[href^="tel:"]')) called = timeStamp
  })
  addEventListener('beforeunload', (event) => {
    if (!isUnsent() || isLeavingInHaste() || event.timeStamp - called < CALL_MS) return
    event.preventDefault()
    // Older browsers ask only when this is set.
    event.returnValue = ''
  })
}

/** Nobody who presses "Exit this page" is asked anything. */
export function isLeavingInHaste() {
  return document.body.classList.contains('govuk-exit-this-page-hide-content')
}
