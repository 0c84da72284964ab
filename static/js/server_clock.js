/**
 * What time it is for the server. A computer's own clock may be minutes off: what lasts 25 seconds would be over as it
 * comes, or stay long after its end. Each page says when it was made, and what comes later counts: a clock may be set.
 */

/** Less than this is the way that a page took, and not the clock's fault. */
const ON_THE_WAY_MS = 5000

let correctionMs = 0

/** @param {Document} page One that has just come. */
export function readTime(page) {
  const aheadMs = Date.now() - Date.parse(page.body.dataset.now ?? '')
  if (!Number.isNaN(aheadMs)) correctionMs = Math.abs(aheadMs) > ON_THE_WAY_MS ? aheadMs : 0
}

/** In milliseconds, as Date.now() is. */
export const serverNow = () => Date.now() - correctionMs

readTime(document)
