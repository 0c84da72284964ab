/**
 * What time it is for the server. A computer's own clock may be minutes off: what lasts 25 seconds would be over as it
 * comes, or stay long after its end. Each page says when it was made, and what comes later counts: a clock may be set.
 */

/** Less than this is of no account. */
const TOLERATED_MS = 2000

let correctionMs = 0

/**
 * By a clock that is right it was made after it was asked for, and before it came.
 *
 * @param {Document} page One that has just come.
 * @param {number} askedAt In milliseconds, as Date.now() is.
 */
export function readTime(page, askedAt) {
  const madeAt = Date.parse(page.body.dataset.now ?? '')
  if (Number.isNaN(madeAt)) return
  const behindMs = madeAt - Date.now()
  const aheadMs = askedAt - madeAt
  correctionMs = aheadMs > TOLERATED_MS ? aheadMs : behindMs > TOLERATED_MS ? -behindMs : 0
}

/** In milliseconds, as Date.now() is. */
export const serverNow = () => Date.now() - correctionMs

readTime(document, Date.now() - performance.now())
