/**
 * What happened while nobody looked, and what a colleague asks. The server draws
 * the cards; this has them drawn as soon as something is told, and calls the
 * advisor for what is theirs to answer.
 */

/** @type {Record<string, string>} */
const CALLS = {
  invited: 'A colleague asks you to come',
  transferred_to_you: 'A conversation was handed over to you',
  requeued: 'A conversation went back into the line',
  set_away: 'You were set to away'
}

export class Notices {
  /**
   * @param {import('./attention.js').Attention} attention
   * @param {import('./announcer.js').Announcer} announcer
   * @param {() => void} redraw
   */
  constructor(attention, announcer, redraw) {
    this._attention = attention
    this._announcer = announcer
    this._redraw = redraw
    this._newest = 0
    this.count = 0
  }

  /** @param {import('./transports.js').Frame} frame */
  hear({ notices = [] }) {
    this.count = notices.length
    for (const { id, kind, text } of notices) {
      if (id <= this._newest) continue
      this._newest = id
      this._announcer.say(text)
      if (CALLS[kind]) this._attention.call(CALLS[kind])
    }
    this._redraw()
  }
}
