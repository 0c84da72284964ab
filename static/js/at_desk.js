/**
 * On the pages for staff beside the desk: an advisor who wraps up or reads is
 * still there for whom they hold, is seen to be there, and is told what comes.
 */

import { Attention } from './attention.js'
import { ACTIVE, Connection } from './connection.js'
import { readDoors } from './doors.js'
import { isEnd } from './ends.js'
import { fill, slot } from './fragments.js'
import { keepConnected } from './keep_connected.js'
import { Mine } from './mine.js'
import { readChoices } from './preferences.js'
import { serverNow } from './server_clock.js'

/** @param {HTMLElement} root */
export default function attach(root) {
  const attention = new Attention(readChoices())
  const mine = new Mine(root)
  const connection = new Connection({ doors: readDoors(root), after: {}, build: root.dataset.build })
  /** @type {Set<string>} Conversations of which all that there was has come once: whatever comes now is news. */
  const live = new Set()
  const offer = new HeldOut(() => draw())
  let told = 0

  function draw() {
    const count = mine.unread + told + (offer.isOpen ? 1 : 0)
    const sentences = [offer.isOpen && 'Someone is waiting for you.', told && 'There is news at your desk.', mine.unread && words(mine.unread)]
    const news = sentences.filter(Boolean).join(' ')
    if (slot(root, 'news')?.textContent !== news) fill(root, 'news', news)
    const link = slot(root, 'to-desk')
    if (link) link.hidden = count === 0
    attention.count(count)
  }

  /** @param {string} conversation */
  function leave(conversation) {
    mine.forget(conversation)
    live.delete(conversation)
  }

  connection
    .on('reset', ({ conversation }) => leave(conversation))
    .on('gone', ({ conversation }) => leave(conversation))
    .on('frame:welcome', ({ conversations = [] }) => {
      const active = conversations.filter((/** @type {{status: string}} */ one) => one.status === ACTIVE)
      for (const { conversation, read } of active) mine.markRead(conversation, read?.advisor ?? 0)
      mine.keepOnly(new Set(active.map((/** @type {{conversation: string}} */ one) => one.conversation)))
      draw()
    })
    .on('frame:event', (event) => {
      mine.hear(event, false)
      if (isEnd(event)) mine.forget(event.conversation)
      if (!live.has(event.conversation)) return
      if (event.kind === 'message' && event.author?.kind === 'visitor') attention.call('A new message')
      draw()
    })
    .on('frame:caught_up', ({ conversation }) => {
      live.add(conversation)
      draw()
    })
    .on('frame:read', (frame) => {
      if (frame.author?.kind !== 'visitor') mine.markRead(frame.conversation, frame.seq)
      draw()
    })
    .on('frame:offer', (frame) => offer.hear(frame) && attention.call('Someone is waiting for you'))
    .on('frame:offer_ended', ({ conversation }) => offer.end(conversation))
    .on('frame:notice', ({ notices = [] }) => {
      told = notices.length
      draw()
    })
  keepConnected(connection)
}

/** The offer that is held out, until it ends. */
class HeldOut {
  /** @param {() => void} onChange */
  constructor(onChange) {
    this._onChange = onChange
    this._conversation = ''
    this._told = ''
  }

  get isOpen() {
    return this._conversation !== ''
  }

  /**
   * A line that has come back is told the offer anew, and each long poll is.
   *
   * @param {import('./transports.js').Frame} frame
   * @returns {boolean} Whether this offer was not told before.
   */
  hear({ conversation, expires_at: expiresAt }) {
    const offer = `${conversation} ${expiresAt}`
    const isNew = offer !== this._told
    this._told = offer
    this._conversation = conversation
    clearTimeout(this._ending)
    // A poll that begins after its end is not told of it.
    this._ending = setTimeout(() => this.end(conversation), Date.parse(expiresAt) - serverNow())
    this._onChange()
    return isNew
  }

  /** @param {string} conversation */
  end(conversation) {
    if (this._conversation === conversation) this._conversation = ''
    this._onChange()
  }
}

/** @param {number} count */
function words(count) {
  return count === 1 ? 'One new message.' : `${count} new messages.`
}
