/**
 * How long to wait before the next try: twice as long each time, with full
 * jitter, so that thousands who were cut off at once do not return at once.
 */

const FIRST_MS = 500
const LONGEST_MS = 30000
const MOST_DOUBLINGS = 10

export class Backoff {
  constructor() {
    this.tries = 0
  }

  /** The wait before the next try. */
  next() {
    const ceilingMs = Math.min(LONGEST_MS, FIRST_MS * 2 ** this.tries)
    this.tries = Math.min(this.tries + 1, MOST_DOUBLINGS)
    return Math.random() * ceilingMs
  }

  /** It worked. */
  reset() {
    this.tries = 0
  }
}

/** A moment of each one's own. */
export const shortJitter = () => Math.random() * FIRST_MS
