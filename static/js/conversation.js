/**
 * The visitor's conversation page: one connection, one outbox, one talk. Without
 * this module the page's forms do the same, a page at a time.
 */

import { Announcer } from './announcer.js'
import { attachEnterSends } from './composer.js'
import { Connection } from './connection.js'
import { readDoors } from './doors.js'
import { isEnd } from './ends.js'
import { element, slot } from './fragments.js'
import { keepConnected } from './keep_connected.js'
import { showLineState } from './line_state.js'
import { placeSentence } from './place.js'
import { postJson } from './post.js'
import { attachSound, Sound } from './sound.js'
import { Talk } from './talk.js'
import { Who } from './who.js'
import { wireOutbox, wireSigns } from './wiring.js'
import { readWords } from './words.js'

/** @typedef {import('./transports.js').Frame} Frame */
/** @typedef {import('./words.js').Words} Words */

/** @param {HTMLElement} root */
export default function attach(root) {
  const words = readWords(root)
  const reference = root.dataset.reference ?? ''
  const doors = readDoors(root)
  const connection = new Connection({
    doors,
    after: { [reference]: Number(root.dataset.lastSeq ?? 0) },
    epoch: root.dataset.epoch,
    build: root.dataset.build
  })
  /** @type {Talk | null} */
  let talk = null
  const find = (/** @type {string} */ wanted) => (wanted === reference ? talk : null)
  const outbox = wireOutbox(connection, find, () => talk?.isUnsent ?? false)
  const sound = new Sound()
  const who = new Who(root, words)
  talk = new Talk(root, { side: 'visitor', connection, outbox, words, announcer: new Announcer(root) })
  wireSigns(connection, find)
  showLineState(() => slot(root, 'connection'), connection, words)
  showSettings(root, talk, sound)
  let hasEnded = false
  const isOver = () => {
    if (hasEnded) return
    hasEnded = true
    end(talk, connection, words, doors)
  }
  connection.on('frame:event', (event) => {
    if (event.conversation !== reference) return
    if (talk?.receive(event)) sound.play()
    if (isEnd(event)) isOver()
    else who.hear(event)
  })
  connection.on('frame:queue', (frame) => who.showPlace(frame.sentence ?? placeSentence(frame.position, frame.wait_minutes, words)))
  // Another tab of this browser has opened another one, which is not this page's to show.
  connection.on('gone', () => connection.withdraw())
  connection.on('state', ({ closing }) => closing?.word === 'over' && isOver())
  connection.on('reset', () => {
    talk?.startAnew()
    who.startAnew()
  })
  document.addEventListener('visibilitychange', () => talk?.maybeRead())
  addEventListener('pagehide', () => talk?.readNow())
  keepConnected(connection)
}

/**
 * @param {HTMLElement} root
 * @param {Talk} talk
 * @param {Sound} sound
 */
function showSettings(root, talk, sound) {
  const settings = slot(root, 'settings')
  if (!settings) return
  settings.hidden = false
  attachEnterSends(settings, () => talk.composer)
  attachSound(settings, sound)
}

/**
 * Closes the composer with words, and the connection: there is nothing more to come.
 *
 * @param {Talk | null} talk
 * @param {Connection} connection
 * @param {Words} words
 * @param {import('./transports.js').Doors} doors
 */
function end(talk, connection, words, doors) {
  const sentence = element('p', 'chat__notice', words('ended_closed'))
  sentence.setAttribute('role', 'status')
  const next = element('a', 'button', words('ended_next'))
  next.href = '/chat'
  const place = element('p', 'chat__follow')
  place.append(next)
  talk?.readNow((frame) => tellRead(doors, frame))
  talk?.end(words('ended_unsent'), sentence, place)
  talk?.root.querySelector('.chat__leave')?.remove()
  connection.stop()
}

/**
 * The server closes the connection as it ends; what was read a moment ago goes by itself.
 *
 * @param {import('./transports.js').Doors} doors
 * @param {Frame} frame
 */
function tellRead({ read, token }, { conversation, seq }) {
  postJson(read, token, { conversation, seq }, { keepalive: true })
  return true
}
