/**
 * Lets connection, outbox and the conversation on the page hear of each other.
 */

import { askBeforeLeaving } from './leaving.js'
import { Outbox } from './outbox.js'

/**
 * @param {import('./connection.js').Connection} connection
 * @param {(reference: string) => import('./talk.js').Talk | null} find The talk of a conversation, if it is on the page.
 * @param {() => boolean} isUnsent Whether something is being written that would be lost with the page.
 * @returns {Outbox}
 */
export function wireOutbox(connection, find, isUnsent) {
  const outbox = new Outbox({
    send: (frame) => connection.send(frame),
    onChange: (saying) => find(saying.conversation)?.showSaying(saying),
    onSilence: () => connection.ask()
  })
  connection.on('up', () => outbox.resume())
  connection.on('frame:ack', (frame) => {
    outbox.settle(frame.id)
    find(frame.conversation)?.store(frame)
  })
  connection.on('frame:hold', (frame) => outbox.hold(frame.id, frame.findings ?? []))
  connection.on('frame:error', (frame) => frame.id && outbox.refuse(frame))
  askBeforeLeaving(() => !outbox.isEmpty || isUnsent())
  return outbox
}

/**
 * @param {import('./connection.js').Connection} connection
 * @param {(reference: string) => import('./talk.js').Talk | null} find
 */
export function wireSigns(connection, find) {
  connection.on('frame:caught_up', (frame) => find(frame.conversation)?.catchUp())
  connection.on('frame:typing', (frame) => find(frame.conversation)?.showTyping(frame))
  connection.on('frame:read', (frame) => find(frame.conversation)?.showRead(frame))
  connection.on('frame:welcome', (frame) => {
    for (const { conversation, read } of frame.conversations ?? []) find(conversation)?.showReadOf(read ?? {})
  })
}
