/**
 * What time it is for the server. A computer's own clock may be minutes off: what lasts 25 seconds would be over as it
 * comes, or stay long after its end.
 */

/** Less than this is the way that the page took, and not the clock's fault. */
const ON_THE_WAY_MS = 5000

const aheadMs = Date.now() - Date.parse(document.body.dataset.now ?? '')
const correctionMs = Math.abs(aheadMs) > ON_THE_WAY_MS ? aheadMs : 0

/** In milliseconds, as Date.now() is. */
export const serverNow = () => Date.now() - correctionMs
