/**
 * The advisor's workspace: one connection for all conversations, one outbox, and
 * the conversation that is open. Without this module every part of it is a plain
 * form or link.
 */

import { Announcer } from './announcer.js'
import { Attention } from './attention.js'
import { Connection } from './connection.js'
import { makeShortcuts } from './desk_keys.js'
import { deskPicker } from './desk_picker.js'
import { readDoors } from './doors.js'
import { Drafts } from './drafts.js'
import { element, fill, slot } from './fragments.js'
import { keepConnected } from './keep_connected.js'
import { showLineState } from './line_state.js'
import { Mine } from './mine.js'
import { addNote } from './notes.js'
import { Offers } from './offers.js'
import { readChoices } from './preferences.js'
import { reloadOnce } from './reload.js'
import { Suggestions } from './suggestions.js'
import { Talk } from './talk.js'
import { Workspace } from './workspace.js'
import { wireOutbox, wireSigns } from './wiring.js'
import { readWords } from './words.js'

const LINE_AFTER_MS = 400
const LINE_EVERY_MS = 3000

/** @typedef {import('./transports.js').Frame} Frame */

/** @param {HTMLElement} root */
export default function attach(root) {
  new Desk(root).start()
}

class Desk {
  /** @param {HTMLElement} root */
  constructor(root) {
    const reference = root.dataset.reference ?? ''
    this.root = root
    this.words = readWords(root)
    this.choices = readChoices()
    /** @type {Talk | null} */
    this.talk = null
    this.connection = new Connection({
      doors: readDoors(root),
      after: reference ? { [reference]: Number(root.dataset.lastSeq ?? 0) } : {},
      epoch: root.dataset.epoch,
      build: root.dataset.build
    })
    this.find = (/** @type {string} */ wanted) => (this.talk?.reference === wanted ? this.talk : null)
    this.outbox = wireOutbox(this.connection, this.find)
    this.drafts = new Drafts(root.dataset.csrf ?? '')
    this.mine = new Mine(root)
    this.offers = new Offers(root)
    this.suggestions = new Suggestions(root, this.words)
    this.attention = new Attention(this.choices)
    this.announcer = new Announcer(root, slot(root, 'announce'))
    /** @type {Map<string, Frame[]>} What came since the page of a conversation was asked for. */
    this.arrived = new Map()
    /** @type {Set<string>} Conversations of which everything missed has come. */
    this.live = new Set()
    /** @type {Map<string, string>} Which entry was being read in a conversation that was left. */
    this.scrolls = new Map()
    this.lineAt = 0
    this.workspace = new Workspace(root, {
      onLine: () => this.drawLine(),
      onContext: (open) => this.suggestions.adopt(open),
      onLeave: () => this.leave(),
      onOpen: () => {
        this.open()
        this.talk?.composer?.focus()
      },
      onMessage: (sentence) => this.say(sentence)
    })
  }

  start() {
    wireSigns(this.connection, this.find)
    this.connection
      .on('frame:welcome', (frame) => this.onWelcome(frame))
      .on('frame:event', (frame) => this.onEvent(frame))
      .on('frame:caught_up', ({ conversation }) => {
        this.live.add(conversation)
        this.drawLine()
      })
      .on('frame:read', (frame) => frame.author?.kind !== 'visitor' && this.mine.markRead(frame.conversation, frame.seq))
      .on('frame:desk', (frame) => this.onDesk(frame))
      .on('frame:offer', (frame) => this.onOffer(frame))
      .on('frame:offer_ended', ({ conversation }) => this.offers.end(conversation))
      .on('frame:suggestions', ({ conversation, articles }) => this.find(conversation) && this.suggestions.show(conversation, articles))
      .on('frame:error', (frame) => frame.code === 'assignment_lost' && !frame.id && this.onLost(frame))
      .on('frame:reset', (frame) => this.onReset(frame))
    this.root.addEventListener('submit', (event) => this.onSubmit(event))
    this.root.addEventListener('click', (event) => this.onClick(event))
    document.addEventListener('visibilitychange', () => this.look())
    this.shortcuts = makeShortcuts(this)
    this.suggestions.adopt(this.workspace.reference)
    this.showState = showLineState(() => slot(this.root, 'connection'), this.connection, this.words)
    this.open()
    keepConnected(this.connection)
  }

  /** A conversation, or none, has just come onto the page. */
  open() {
    const reference = this.workspace.reference
    this.attention.retitle(document.title)
    if (slot(this.root, 'entries') && reference) {
      this.talk = new Talk(this.root, {
        side: 'staff',
        connection: this.connection,
        outbox: this.outbox,
        words: this.words,
        announcer: this.announcer,
        onInput: () => this.talk?.composer && this.drafts.keep(reference, this.talk.composer.value)
      })
      this.connection.follow(reference, this.talk.lastSeq)
      for (const event of this.arrived.get(reference) ?? []) this.talk.receive(event)
      this.restoreDraft(this.talk)
      this.talk.scroll.goTo(this.scrolls.get(reference) ?? '')
      deskPicker(this)
    }
    this.arrived.clear()
    this.showState()
    this.look()
  }

  leave() {
    const { talk } = this
    if (talk) this.scrolls.set(talk.reference, talk.scroll.place)
    if (talk?.composer) this.drafts.keep(talk.reference, talk.composer.value)
    this.drafts.flush()
    this.talk = null
  }

  /** @param {Talk} talk */
  restoreDraft(talk) {
    const kept = this.drafts.of(talk.reference)
    if (!talk.composer) return
    if (kept !== undefined) talk.composer.value = kept
    talk.composer.enterSends = this.choices.enterSends
  }

  /** @param {Frame} frame */
  onWelcome({ conversations = [] }) {
    this.live.clear()
    for (const { conversation, read } of conversations) this.mine.markRead(conversation, read?.advisor ?? 0)
    this.mine.keepOnly(new Set(conversations.map((/** @type {Frame} */ one) => one.conversation)))
    const { talk } = this
    const isLost = talk?.composer && !conversations.some((/** @type {Frame} */ one) => one.conversation === talk.reference)
    if (isLost) this.say('This conversation is no longer with you.')
    if (conversations.some((/** @type {Frame} */ one) => !this.mine.has(one.conversation))) this.refreshLine()
  }

  /** @param {Frame} event */
  onEvent(event) {
    const talk = this.find(event.conversation)
    const isInSight = talk !== null && document.visibilityState === 'visible'
    this.mine.hear(event, isInSight)
    if (talk) this.onEventHere(talk, event)
    else this.keepArrived(event)
    const isNews = this.live.has(event.conversation) && event.kind === 'message' && event.author?.kind === 'visitor'
    if (isNews && !isInSight) this.attention.call('A new message')
    if (!this.mine.has(event.conversation)) this.refreshLine()
    this.drawLine()
  }

  /**
   * @param {Talk} talk
   * @param {Frame} event
   */
  onEventHere(talk, event) {
    talk.receive(event)
    if (event.kind === 'note') addNote(this.root, event)
    if (event.kind === 'ended' || (event.kind === 'left' && event.author?.kind === 'visitor')) {
      const sentence = element('p', 'talk__closed', `${this.words('ended_closed')} `)
      const next = element('a', 'govuk-link', 'Wrap up')
      next.href = `/desk/conversations/${event.conversation}/wrap-up`
      sentence.append(next)
      talk.close(sentence)
      this.refreshLine()
    }
  }

  /** @param {Frame} event */
  keepArrived(event) {
    const events = this.arrived.get(event.conversation)
    if (events) events.push(event)
  }

  /** @param {Frame} frame */
  onDesk({ waiting, mine, longest_wait_s: longestS = 0 }) {
    const isOther = Number(slot(this.root, 'waiting')?.textContent) !== waiting || Number(slot(this.root, 'active')?.textContent) !== mine
    fill(this.root, 'waiting', waiting)
    fill(this.root, 'active', mine)
    fill(this.root, 'longest', waiting ? longestWait(Math.floor(longestS / 60)) : '')
    if (isOther) this.refreshLine()
  }

  /** @param {Frame} frame */
  onOffer(frame) {
    this.offers.show(frame)
    this.attention.call('Someone is waiting for you')
    this.drawLine()
  }

  /** What is held of a conversation cannot be continued: it is drawn, or followed, from the start. @param {Frame} frame */
  onReset({ conversation }) {
    this.connection.forget(conversation)
    if (this.find(conversation)) reloadOnce(() => this.outbox.isEmpty)
    else this.connection.open()
  }

  /** @param {Frame} frame */
  onLost({ conversation, message }) {
    this.refreshLine()
    if (this.find(conversation)) this.say(message)
  }

  /** Draws the left column from the server, soon and not too often. */
  refreshLine() {
    clearTimeout(this.lineTimer)
    const waitMs = Math.max(LINE_AFTER_MS, this.lineAt + LINE_EVERY_MS - Date.now())
    this.lineTimer = setTimeout(() => {
      this.lineAt = Date.now()
      this.workspace.refreshLine()
    }, waitMs)
  }

  drawLine() {
    this.mine.mark(this.workspace.reference)
    this.mine.draw()
    this.attention.count(this.mine.unread + (this.offers.isOpen ? 1 : 0))
  }

  /** What is open is looked at, if the page is. */
  look() {
    if (document.visibilityState === 'visible' && this.talk) {
      this.mine.clear(this.talk.reference)
      this.talk.maybeRead()
    }
    this.drawLine()
  }

  /** @param {SubmitEvent} event */
  onSubmit(event) {
    const form = event.target
    if (event.defaultPrevented || this.connection.state === 'closed' || !(form instanceof HTMLFormElement)) return
    if (slot(this.root, 'composer') === form) return
    event.preventDefault()
    this.workspace.submit(form, event.submitter ?? null)
  }

  /** @param {MouseEvent} event */
  onClick(event) {
    const link = event.target instanceof Element ? event.target.closest('a.mine__link') : null
    const isPlain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey
    if (!(link instanceof HTMLAnchorElement) || !isPlain || this.connection.state === 'closed') return
    event.preventDefault()
    const reference = link.closest('[data-reference]')?.getAttribute('data-reference') ?? ''
    this.visit(reference)
  }

  /** @param {string} reference */
  visit(reference) {
    if (reference === this.workspace.reference) return
    this.arrived.set(reference, [])
    this.workspace.visit(`/desk/conversations/${reference}`)
  }

  /** @param {string} sentence */
  say(sentence) {
    const talk = this.root.querySelector('.desk__talk')
    let place = talk?.querySelector('.desk__message')
    if (talk && !place && sentence) {
      place = element('p', 'desk__message')
      const bar = talk.querySelector('.talk__bar')
      if (bar) bar.after(place)
      else talk.prepend(place)
    }
    // It is read out from the announcer's region, not from here as well.
    place?.removeAttribute('role')
    if (place) place.textContent = sentence
    if (place instanceof HTMLElement) place.hidden = sentence === ''
    this.announcer.say(sentence)
  }
}

/** @param {number} minutes */
function longestWait(minutes) {
  if (minutes < 1) return 'Longest wait less than a minute'
  return `Longest wait ${minutes} minute${minutes === 1 ? '' : 's'}`
}
