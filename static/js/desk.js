/**
 * The advisor's workspace: one connection for all conversations, one outbox, and
 * the conversation that is open. Without this module every part of it is a plain
 * form or link.
 */

import { Announcer } from './announcer.js'
import { Attention } from './attention.js'
import { ACTIVE, Connection } from './connection.js'
import { makeShortcuts } from './desk_keys.js'
import { closedSentence, showMessage } from './desk_message.js'
import { deskPicker } from './desk_picker.js'
import { readDoors } from './doors.js'
import { Drafts } from './drafts.js'
import { isEnd } from './ends.js'
import { fill, slot } from './fragments.js'
import { keepConnected } from './keep_connected.js'
import { LineColumn } from './line.js'
import { showLineState } from './line_state.js'
import { Mine } from './mine.js'
import { addNote, NoteForm } from './notes.js'
import { Notices } from './notices.js'
import { Offers } from './offers.js'
import { readChoices } from './preferences.js'
import { Quiet } from './quiet.js'
import { Suggestions } from './suggestions.js'
import { Talk } from './talk.js'
import { renewTokens } from './tokens.js'
import { Workspace } from './workspace.js'
import { wireOutbox, wireSigns } from './wiring.js'
import { readWords } from './words.js'

/** @typedef {import('./transports.js').Frame} Frame */

/** Who is in a conversation, or whose it is, has changed. */
const COMPANY = new Set(['joined', 'left', 'transferred'])

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
    this.outbox = wireOutbox(this.connection, this.find, () => !this.drafts.isSafe || this.notes.isUnsent)
    this.drafts = new Drafts(() => root.dataset.csrf ?? '', (reference) => this.find(reference) && this.showDraft())
    this.notes = new NoteForm(root, this.words, (sentence) => this.say(sentence))
    this.mine = new Mine(root)
    this.offers = new Offers(root, () => this.drawLine())
    this.suggestions = new Suggestions(root, this.words)
    this.attention = new Attention(this.choices)
    this.announcer = new Announcer(root, slot(root, 'announce'))
    /** @type {Set<string>} Conversations of which all that there was has come once: whatever comes now is news. */
    this.live = new Set()
    /** @type {Map<string, string>} Which entry was being read in a conversation that was left. */
    this.scrolls = new Map()
    this.line = new LineColumn(root, () => this.workspace.refreshLine(), () => this.workspace.refreshColleagues())
    this.quiet = new Quiet(root)
    this.notices = new Notices(this)
    this.workspace = new Workspace(root, {
      onLine: () => this.drawLine(),
      onContext: (open) => this.suggestions.adopt(open),
      onLeave: () => this.leave(),
      onOpen: (isAsked) => {
        this.open()
        if (isAsked) this.talk?.composer?.focus()
      },
      composing: () => [...this.root.querySelectorAll('textarea')].map(({ value }) => value).join('\0'),
      onMessage: (sentence) => this.say(sentence)
    })
  }

  start() {
    wireSigns(this.connection, this.find)
    this.connection
      .on('frame:welcome', (frame) => this.onWelcome(frame))
      .on('gone', ({ conversation }) => this.onGone(conversation))
      .on('frame:event', (frame) => this.onEvent(frame))
      .on('frame:caught_up', ({ conversation }) => {
        this.live.add(conversation)
        this.drawLine()
      })
      .on('frame:ack', ({ conversation }) => this.settleDraft(conversation))
      .on('frame:read', (frame) => frame.author?.kind !== 'visitor' && this.mine.markRead(frame.conversation, frame.seq))
      .on('frame:desk', (frame) => this.line.show(frame))
      .on('frame:offer', (frame) => this.onOffer(frame))
      .on('frame:notice', (frame) => this.notices.hear(frame))
      .on('frame:offer_ended', ({ conversation }) => this.offers.end(conversation))
      .on('frame:suggestions', ({ conversation, articles }) => this.find(conversation) && this.suggestions.show(conversation, articles))
      .on('frame:error', (frame) => frame.code === 'assignment_lost' && !frame.id && this.onLost(frame))
      .on('reset', ({ conversation }) => this.onReset(conversation))
      .on('state', ({ closing }) => (this.isSignedOut ||= closing?.remedy === 'sign-in'))
      .on('up', () => this.onUp())
    this.root.addEventListener('submit', (event) => this.onSubmit(event))
    this.root.addEventListener('click', (event) => this.onClick(event))
    this.root.addEventListener('focusout', ({ target }) => target === this.talk?.composer?.text && this.drafts.flush())
    document.addEventListener('visibilitychange', () => this.look())
    addEventListener('pagehide', () => this.talk?.readNow())
    addEventListener('pageshow', ({ persisted }) => persisted && this.line.refresh())
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
    this.notes.open()
    if (slot(this.root, 'entries') && reference) {
      this.talk = new Talk(this.root, {
        side: 'staff',
        connection: this.connection,
        outbox: this.outbox,
        words: this.words,
        announcer: this.announcer,
        onInput: () => this.talk?.composer && this.drafts.keep(reference, this.talk.composer.value),
        onSay: () => this.drafts.say(reference)
      })
      this.connection.follow(reference, this.talk.lastSeq)
      this.restoreDraft(this.talk)
      this.talk.scroll.goTo(this.scrolls.get(reference) ?? '')
      deskPicker(this)
    }
    this.showState()
    this.look()
  }

  leave() {
    const { talk } = this
    if (talk) this.scrolls.set(talk.reference, talk.scroll.place)
    talk?.readNow()
    if (talk?.composer) this.drafts.keep(talk.reference, talk.composer.value)
    this.drafts.flush()
    this.notes.leave()
    this.talk = null
  }

  /** @param {Talk} talk */
  restoreDraft(talk) {
    if (!talk.composer) return
    this.drafts.adopt(talk.reference, talk.composer.value)
    talk.composer.value = this.drafts.of(talk.reference) ?? ''
    talk.composer.enterSends = this.choices.enterSends
    this.showDraft()
  }

  /** @param {string} reference */
  settleDraft(reference) {
    if (this.outbox.of(reference).length === 0) this.drafts.settle(reference)
  }

  showDraft() {
    const state = this.talk && this.drafts.stateOf(this.talk.reference)
    fill(this.root, 'draft', state ? this.words(`draft_${state}`) : '')
  }

  /** What could not be kept meanwhile is kept now; who signed in again has another token. */
  async onUp() {
    if (this.isSignedOut) await renewTokens(this.root)
    this.isSignedOut = false
    this.drafts.flush()
  }

  /** @param {Frame} frame */
  onWelcome({ conversations = [] }) {
    const active = conversations.filter((/** @type {Frame} */ one) => one.status === ACTIVE)
    for (const { conversation, read } of active) this.mine.markRead(conversation, read?.advisor ?? 0)
    this.mine.keepOnly(new Set(active.map((/** @type {Frame} */ one) => one.conversation)))
    if (active.some((/** @type {Frame} */ one) => !this.mine.has(one.conversation))) this.line.refresh()
  }

  /** @param {string} reference */
  onGone(reference) {
    this.mine.forget(reference)
    this.live.delete(reference)
    const talk = this.find(reference)
    if (talk && this.root.dataset.part) this.closeTalk(talk, 'This conversation has ended, or is no longer with you.')
  }

  /** @param {Frame} event */
  onEvent(event) {
    const talk = this.find(event.conversation)
    const isInSight = talk !== null && document.visibilityState === 'visible'
    this.mine.hear(event, isInSight)
    if (talk) this.onEventHere(talk, event)
    const isNews = this.live.has(event.conversation) && event.kind === 'message' && event.author?.kind === 'visitor'
    if (isNews && !isInSight) this.attention.call('A new message')
    if (isEnd(event)) this.mine.forget(event.conversation)
    if (!this.mine.has(event.conversation)) this.line.refresh()
    this.drawLine()
  }

  /**
   * @param {Talk} talk
   * @param {Frame} event
   */
  onEventHere(talk, event) {
    talk.receive(event)
    if (event.id && event.author?.kind !== 'visitor') this.settleDraft(event.conversation)
    this.quiet.hear(event)
    if (COMPANY.has(event.kind)) this.workspace.refreshOpen()
    if (event.kind === 'note') {
      addNote(this.root, event)
      this.workspace.outdate()
    }
    if (isEnd(event)) {
      const address = `/desk/conversations/${event.conversation}/wrap-up`
      talk.end(this.words('ended_unsent'), closedSentence(this.words('ended_closed'), 'Wrap up', address))
      this.line.refresh()
    }
  }

  /**
   * @param {Talk} talk
   * @param {string} reason
   */
  closeTalk(talk, reason) {
    talk.close(reason, closedSentence(reason, 'See how it stands', `/desk/conversations/${talk.reference}`))
    // Whoever is given it again has the composer again.
    this.root.dataset.part = ''
    this.announcer.say(reason)
  }

  /** @param {Frame} frame */
  onOffer(frame) {
    if (this.offers.show(frame)) this.attention.call('Someone is waiting for you')
    this.drawLine()
  }

  /** @param {string} reference */
  onReset(reference) {
    this.mine.forget(reference)
    this.live.delete(reference)
    this.line.refresh()
    if (!this.find(reference)) return
    this.talk?.startAnew()
    this.workspace.refreshOpen()
  }

  /** @param {Frame} frame */
  onLost({ conversation, message }) {
    this.line.refresh()
    this.mine.forget(conversation)
    this.live.delete(conversation)
    this.drawLine()
    this.notes.lose(conversation)
    const talk = this.find(conversation)
    if (talk) this.closeTalk(talk, message)
  }

  drawLine() {
    this.mine.mark(this.workspace.reference)
    this.mine.draw()
    const count = this.mine.unread + (this.offers.isOpen ? 1 : 0) + this.notices.count
    this.attention.count(count)
    fill(this.root, 'to-line', this.offers.isOpen ? 'Answer the offer' : count ? `List (${count})` : 'List')
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
    if (event.defaultPrevented || !(form instanceof HTMLFormElement) || slot(this.root, 'composer') === form) return
    if (this.connection.state === 'closed') {
      if (slot(this.root, 'note-form') === form) this.notes.sendPlainly(event, this.connection.closing?.refuses ?? false)
      return
    }
    event.preventDefault()
    this.talk?.readNow()
    if (slot(this.root, 'note-form') === form) this.notes.send(form)
    else this.workspace.submit(form, event.submitter ?? null)
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
    if (reference !== this.workspace.reference || this.root.dataset.part === '') this.workspace.visit(`/desk/conversations/${reference}`)
  }

  /** @param {string} sentence */
  say(sentence) {
    showMessage(this.root, this.announcer, sentence)
  }
}
