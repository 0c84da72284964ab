/**
 * The card that offers a conversation, with the seconds that are left to answer.
 * The server takes an unanswered offer back; this only shows that it did.
 */

import { cloneTemplate, fill, slot } from './fragments.js'
import { serverNow } from './server_clock.js'

const TICK_MS = 500

export class Offers {
  /**
   * @param {HTMLElement} root
   * @param {() => void} onEnd The card is gone.
   */
  constructor(root, onEnd) {
    this._root = root
    this._onEnd = onEnd
    /** The offer that was told last. */
    this._told = ''
    this._timer = setInterval(() => this._tick(), TICK_MS)
    this._tick()
  }

  get card() {
    return slot(this._root, 'offer')
  }

  get isOpen() {
    return this.card !== null
  }

  /**
   * A line that has come back is told the offer anew, and each long poll is. A card that stands there stays as it is, since
   * somebody may be about to press it.
   *
   * @param {import('./transports.js').Frame} frame
   * @returns {boolean} Whether this offer was not told before.
   */
  show(frame) {
    const offer = `${frame.conversation} ${frame.expires_at}`
    const isNew = offer !== this._told
    this._told = offer
    if (!this._shows(frame)) this._draw(frame)
    return isNew
  }

  /** @param {import('./transports.js').Frame} frame */
  _shows({ conversation, expires_at: expiresAt }) {
    return isSame(this.card, { reference: conversation, expiresAt })
  }

  /** @param {import('./transports.js').Frame} frame */
  _draw({ conversation, expires_at: expiresAt, enquiry = {} }) {
    const card = cloneTemplate(this._root, 'offer')
    card.dataset.reference = conversation
    card.dataset.expiresAt = expiresAt
    fill(card, 'sentence', enquiry.sentence ?? '')
    fill(card, 'why', enquiry.why ?? '')
    slot(card, 'urgency')?.replaceChildren(cloneTemplate(this._root, `urgency-${enquiry.urgency ?? 'routine'}`))
    for (const answer of ['accept', 'decline']) {
      slot(card, answer)?.setAttribute('action', `/desk/conversations/${conversation}/${answer}`)
    }
    card.dataset.drawnAt = String(performance.now())
    card.dataset.seconds = String(Math.max(1, secondsUntil(expiresAt)))
    slot(this._root, 'offer-place')?.replaceChildren(card)
    this._tick()
  }

  /** @param {string} reference */
  end(reference) {
    if (this.card?.dataset.reference === reference) this._remove()
  }

  /** @param {'accept' | 'decline'} answer */
  answer(answer) {
    const button = this.card && slot(this.card, answer)?.querySelector('button')
    button?.click()
  }

  _remove() {
    this.card?.remove()
    // Not before the desk is whole: the page may have come with a card that is over.
    setTimeout(this._onEnd)
  }

  _tick() {
    const card = this.card
    if (!card?.dataset.expiresAt) return
    const left = secondsUntil(card.dataset.expiresAt)
    if (left <= 0) {
      this._remove()
      return
    }
    const whole = Number(card.dataset.seconds ?? 25)
    slot(card, 'ring')?.setAttribute('stroke-dashoffset', String(Math.round(100 * (1 - left / Math.max(whole, left)))))
    // Read out once, when it came; a count that is read out each second hides everything else.
    const seconds = slot(card, 'seconds')
    seconds?.setAttribute('aria-live', 'off')
    fill(card, 'seconds', `${Math.ceil(left)} seconds to answer`)
  }
}

/**
 * Whether the card stays as a page of the desk comes: it is older than the card, or has the same one, which would be read
 * out once more.
 *
 * @param {HTMLElement} root
 * @param {Document} page
 * @param {number} askedAt When the page was asked for, by performance.now().
 */
export function holdsItsOffer(root, page, askedAt) {
  const [here, there] = [slot(root, 'offer'), slot(page, 'offer')]
  return here !== null && (Number(here.dataset.drawnAt ?? 0) > askedAt || (there !== null && isSame(here, there.dataset)))
}

/**
 * @param {HTMLElement | null} card
 * @param {{reference?: string, expiresAt?: string}} offer
 */
function isSame(card, { reference, expiresAt = '' }) {
  const { reference: shown, expiresAt: shownAt = '' } = card?.dataset ?? {}
  // The page has it to the microsecond.
  return shown === reference && Math.abs(Date.parse(shownAt) - Date.parse(expiresAt)) < TICK_MS
}

/** @param {string} at */
function secondsUntil(at) {
  return (Date.parse(at) - serverNow()) / 1000
}
