/**
 * The advisor's own conversations in the left column: how much is unread in each
 * and how long ago the other side last said something. The list itself is drawn
 * by the server; this keeps its numbers true between two drawings.
 *
 * @typedef {object} Standing
 * @property {number} read How far this side has read.
 * @property {number} unread
 * @property {number} last The newest event that was heard of.
 * @property {string} lastWordAt When the visitor last said something; empty while not known.
 */

import { fill, slot } from './fragments.js'
import { minutesSince } from './times.js'

const REFRESH_MS = 20000

export class Mine {
  /** @param {HTMLElement} root */
  constructor(root) {
    this._root = root
    /** @type {Map<string, Standing>} */
    this._standings = new Map()
    setInterval(() => this.draw(), REFRESH_MS)
  }

  get unread() {
    return [...this._standings.values()].reduce((sum, { unread }) => sum + unread, 0)
  }

  /** Whether the list shows it. @param {string} reference */
  has(reference) {
    return this._item(reference) !== null
  }

  /** References in the order of the list. */
  get references() {
    return this._items().map((item) => item.dataset.reference ?? '')
  }

  /** @param {string} reference @param {number} seq */
  markRead(reference, seq) {
    const standing = this._standing(reference)
    standing.read = Math.max(standing.read, seq)
    if (standing.read >= standing.last) standing.unread = 0
  }

  /**
   * What was heard before and comes again, for a page that lacks it, is counted once.
   *
   * @param {import('./transports.js').Frame} event
   * @param {boolean} isInSight Whether it is being looked at as it comes.
   */
  hear({ conversation, seq, kind, author, at }, isInSight) {
    const standing = this._standing(conversation)
    if (seq <= standing.last) return
    standing.last = seq
    if (kind !== 'message' || author?.kind !== 'visitor') return
    standing.lastWordAt = at
    if (seq > standing.read && !isInSight) standing.unread++
  }

  /** All of it has been seen. @param {string} reference */
  clear(reference) {
    this._standing(reference).unread = 0
    this.draw()
  }

  /** All of it comes again. @param {string} reference */
  forget(reference) {
    this._standings.delete(reference)
  }

  /** @param {Set<string>} references Those that are still there. */
  keepOnly(references) {
    for (const reference of this._standings.keys()) {
      if (!references.has(reference)) this._standings.delete(reference)
    }
  }

  /** Puts the numbers into the list. */
  draw() {
    for (const item of this._items()) {
      const standing = this._standings.get(item.dataset.reference ?? '')
      if (standing) this._drawItem(item, standing)
    }
  }

  /** @param {string} reference The one that is open, or empty. */
  mark(reference) {
    for (const item of this._items()) {
      const link = slot(item, 'link')
      if (item.dataset.reference === reference) link?.setAttribute('aria-current', 'page')
      else link?.removeAttribute('aria-current')
    }
  }

  /**
   * @param {HTMLElement} item
   * @param {Standing} standing
   */
  _drawItem(item, { unread, lastWordAt }) {
    const badge = slot(item, 'unread')
    if (badge) badge.hidden = unread === 0
    fill(item, 'unread-count', unread)
    if (lastWordAt) fill(item, 'last-word', lastWord(minutesSince(lastWordAt)))
  }

  /** @param {string} reference */
  _standing(reference) {
    let standing = this._standings.get(reference)
    if (!standing) {
      standing = { read: 0, unread: 0, last: 0, lastWordAt: '' }
      this._standings.set(reference, standing)
    }
    return standing
  }

  /** @returns {HTMLElement[]} */
  _items() {
    return [...this._root.querySelectorAll('[data-slot="mine"] > [data-reference]')].filter((item) => item instanceof HTMLElement)
  }

  /** @param {string} reference */
  _item(reference) {
    return this._items().find((item) => item.dataset.reference === reference) ?? null
  }
}

/** @param {number} minutes */
function lastWord(minutes) {
  if (minutes < 1) return 'Wrote a moment ago'
  return minutes === 1 ? '1 minute since their last word' : `${minutes} minutes since their last word`
}
