/**
 * The visitor's conversation page: one connection, one outbox, one talk. Without
 * this module the page's forms do the same, a page at a time.
 */

import { attachEnterSends } from './composer.js'
import { Connection, keepConnected } from './connection.js'
import { readDoors } from './doors.js'
import { element, slot } from './fragments.js'
import { showLineState } from './line_state.js'
import { reloadOnce } from './reload.js'
import { attachSound, Sound } from './sound.js'
import { Talk } from './talk.js'
import { wireOutbox, wireSigns } from './wiring.js'
import { readWords } from './words.js'

/** @param {HTMLElement} root */
export default function attach(root) {
  const words = readWords(root)
  const reference = root.dataset.reference ?? ''
  const connection = new Connection({
    doors: readDoors(root),
    after: { [reference]: Number(root.dataset.lastSeq ?? 0) },
    epoch: root.dataset.epoch,
    build: root.dataset.build
  })
  /** @type {Talk | null} */
  let talk = null
  const find = () => talk
  const outbox = wireOutbox(connection, find)
  const sound = new Sound()
  talk = new Talk(root, { side: 'visitor', connection, outbox, words })
  wireSigns(connection, find)
  showLineState(slot(root, 'connection'), connection, words)
  showSettings(root, talk, sound)
  connection.on('frame:event', (event) => {
    if (talk?.receive(event)) sound.play()
    followStatus(root, talk, event, words)
  })
  connection.on('state', ({ closing }) => closing?.word === 'over' && end(talk, words))
  connection.on('frame:reset', () => reloadOnce(() => outbox.isEmpty && (talk?.composer?.isEmpty ?? true)))
  document.addEventListener('visibilitychange', () => talk?.maybeRead())
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
 * Says on the page who is there now, and closes it when it is over.
 *
 * @param {HTMLElement} root
 * @param {Talk | null} talk
 * @param {import('./transports.js').Frame} event
 * @param {import('./words.js').Words} words
 */
function followStatus(root, talk, event, words) {
  const title = root.querySelector('.chat__title')
  if (title && event.kind === 'joined' && !event.data?.colleague) title.textContent = words('with', { name: event.author.name })
  else if (title && event.kind === 'requeued') title.textContent = words('waiting')
  else if (event.kind === 'ended' || (event.kind === 'left' && event.author?.kind === 'visitor')) end(talk, words)
}

/**
 * @param {Talk | null} talk
 * @param {import('./words.js').Words} words
 */
function end(talk, words) {
  const sentence = element('p', 'chat__notice', words('ended_closed'))
  sentence.setAttribute('role', 'status')
  const next = element('a', 'button', words('ended_next'))
  next.href = '/chat'
  const place = element('p', 'chat__follow')
  place.append(next)
  talk?.close(sentence, place)
}
