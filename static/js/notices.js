/**
 * What happened while nobody looked, and what a colleague asks. The server draws
 * the cards; this has them drawn as soon as something is told, and calls the
 * advisor for what is theirs to answer.
 */

import { slot } from './fragments.js'

/** @type {Record<string, string>} */
const CALLS = {
  invited: 'A colleague asks you to come',
  transferred_to_you: 'A conversation was handed over to you',
  requeued: 'A conversation went back into the line',
  set_away: 'You were set to away'
}

export class Notices {
  /** @param {any} desk The Desk of desk.js. */
  constructor(desk) {
    this._desk = desk
    // What the page shows as it comes is no news. By each number: an older one may be told later.
    this._known = new Set((slot(desk.root, 'notices-place')?.dataset.noticed ?? '').split(' ').map(Number))
    this.count = 0
    this._told = ''
  }

  /** @param {import('./transports.js').Frame} frame */
  hear({ notices = [] }) {
    const { announcer, attention, line, workspace } = this._desk
    const told = notices.map((/** @type {{id: number}} */ one) => one.id).join()
    // Each long poll tells all of them again.
    if (told === this._told) return
    this._told = told
    this.count = notices.length
    for (const { id, kind, text, conversation } of notices) {
      if (this._known.has(id)) continue
      this._known.add(id)
      announcer.say(text)
      if (CALLS[kind]) attention.call(CALLS[kind])
      if (conversation === workspace.reference) workspace.refreshOpen()
    }
    line.refresh()
  }
}
