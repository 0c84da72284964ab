/**
 * Says when the visitor has not answered for five minutes, and lets the advisor
 * ask whether they are still there. It counts from the advisor's last word, which
 * stands in the page; nothing is ended by it.
 */

import { fill, slot } from './fragments.js'
import { minutesSince } from './times.js'

const DRAW_MS = 10000
const QUIET_MINUTES = 5
const NUDGE_EVERY_MINUTES = 5
const END_MINUTES = 15

export class Quiet {
  /** @param {HTMLElement} root */
  constructor(root) {
    this._root = root
    setInterval(() => this.draw(), DRAW_MS)
  }

  /** @param {import('./transports.js').Frame} event Of the conversation that is open. */
  hear({ kind, author, at }) {
    const place = slot(this._root, 'quiet')
    if (!place || kind !== 'message') return
    if (author?.kind === 'system') place.dataset.nudged = at
    else {
      place.dataset.since = author?.kind === 'advisor' ? at : ''
      place.dataset.nudged = ''
    }
    this.draw()
  }

  draw() {
    const place = slot(this._root, 'quiet')
    if (!place) return
    const { since, nudged } = place.dataset
    const minutes = since ? minutesSince(since) : 0
    place.hidden = minutes < QUIET_MINUTES
    if (place.hidden) return
    fill(place, 'quiet-words', `They have not written for ${minutes} minutes.`)
    show(place, 'quiet-nudged', Boolean(nudged))
    show(place, 'quiet-end', minutes >= END_MINUTES)
    show(place, 'nudge', !nudged || minutesSince(nudged) >= NUDGE_EVERY_MINUTES)
  }
}

/**
 * @param {HTMLElement} place
 * @param {string} name
 * @param {boolean} isShown
 */
function show(place, name, isShown) {
  const part = slot(place, name)
  if (part) part.hidden = !isShown
}
