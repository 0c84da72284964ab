/**
 * The desk's three columns, kept in step with the server's pages: what an action
 * leads to, or another conversation, comes as a page, and the parts that changed
 * are taken over. A conversation that stays open keeps its log and its composer.
 */

import { fill, slot } from './fragments.js'
import { keepFocus } from './keep_focus.js'
import { holdsItsOffer } from './offers.js'
import { fetchPage, gist, submitForm } from './pages.js'

const WORDS_AFTER_MS = 200
const NO_ANSWER = 'No answer from the service. Look at the conversation before you try again: it may have been done.'
const NOT_OPENED = 'No answer from the service. What was open stays open: try again in a moment.'

/** @typedef {import('./pages.js').Arrival} Arrival */

export class Workspace {
  /**
   * @param {HTMLElement} root
   * @param {object} hooks
   * @param {() => void} hooks.onLine The left column was drawn anew.
   * @param {(reference: string) => void} hooks.onContext The right column was drawn anew.
   * @param {() => void} hooks.onLeave Another conversation is about to take the place of this one.
   * @param {(isAsked: boolean) => void} hooks.onOpen Another conversation, or none, is open now; whether the reader asked for it.
   * @param {() => string} hooks.composing What is being written, to the visitor and to colleagues.
   * @param {(sentence: string) => void} hooks.onMessage
   */
  constructor(root, hooks) {
    this.root = root
    this._hooks = hooks
    this._asked = 0
    /** @type {'all' | 'colleagues' | null} What is to be drawn anew of what is open. */
    this._wanted = null
    this._isDrawing = false
    this._path = location.pathname
    // Going to a part of the page is an entry in the history as well; that one leads nowhere else.
    addEventListener('popstate', () => location.pathname !== this._path && this.visit(location.href, { isBack: true }))
  }

  get reference() {
    return this.root.dataset.reference ?? ''
  }

  /**
   * Opens a page of the desk in place of this one.
   *
   * @param {string} address
   * @param {{isBack?: boolean}} [options]
   */
  async visit(address, { isBack = false } = {}) {
    const asked = ++this._asked
    const arrival = await this._withWords('Opening the conversation.', fetchPage(address))
    if (asked !== this._asked) return
    if (arrival && isDesk(arrival.page)) this._take(arrival, isBack)
    else if (arrival?.isOk) location.assign(address)
    else this._stay(arrival, isBack)
  }

  /**
   * Going there would leave what is open for the browser's own error page.
   *
   * @param {Arrival | null} arrival
   * @param {boolean} isBack The address has moved already.
   */
  _stay(arrival, isBack) {
    if (isBack) history.pushState(null, '', this._path)
    this._hooks.onMessage((arrival && gist(arrival.page)) || NOT_OPENED)
  }

  /**
   * Posts a form and takes over what it leads to.
   *
   * @param {HTMLFormElement} form
   * @param {HTMLElement | null} submitter
   */
  async submit(form, submitter) {
    if (form.dataset.busy !== undefined) return
    form.dataset.busy = ''
    const { reference, _asked: asked } = this
    const composed = this._hooks.composing()
    const arrival = await this._withWords('Working on it.', submitForm(form, submitter))
    delete form.dataset.busy
    const isAway = reference !== this.reference || asked !== this._asked
    if (!arrival) this._hooks.onMessage(NO_ANSWER)
    else if (isAway || (composed !== this._hooks.composing() && isOther(arrival.page, reference))) this._takeLate(arrival)
    else if (isDesk(arrival.page)) {
      this.outdate()
      this._take(arrival, false, form)
    }
    else if (arrival.isOk) location.assign(arrival.address)
    // To decide about what seems to identify a person is a page of its own.
    else if (arrival.page.querySelector('.hold-form')) form.submit()
    else this._hooks.onMessage(gist(arrival.page) || NO_ANSWER)
  }

  /**
   * Somebody else's conversation has been opened meanwhile, or is being written in: it stays, with the words that are being
   * written to them.
   *
   * @param {Arrival} arrival
   */
  _takeLate(arrival) {
    const { page, isOk } = arrival
    if (isDesk(page)) this._takeLine(arrival, false)
    const isListed = isDesk(page) && isOther(page, this.reference)
    const listed = isListed ? `${mainOf(page).dataset.reference} is in your list.` : ''
    this._hooks.onMessage(isDesk(page) ? saidOn(page) || listed : isOk ? '' : gist(page))
  }

  /**
   * Draws the left column anew from the server; the bare desk has it too, and is there when a conversation is over.
   *
   * @returns {Promise<boolean>} Whether the server gave it.
   */
  async refreshLine() {
    const arrival = await fetchPage('/desk')
    if (arrival?.isOk && isDesk(arrival.page)) this._takeLine(arrival, false)
    return arrival?.isOk ?? false
  }

  /** Draws what stands beside the open conversation anew; all of it when the reader's part in it is another. */
  refreshOpen() {
    void this._draw('all')
  }

  /** Draws anew who could be asked in or take over, unless it is just being chosen from. */
  refreshColleagues() {
    if (this.root.querySelector('#colleagues')) void this._draw('colleagues')
  }

  /**
   * One at a time: of two that are on their way the older could come last, and stay.
   *
   * @param {'all' | 'colleagues'} what
   */
  async _draw(what) {
    if (this._wanted !== 'all') this._wanted = what
    if (this._isDrawing) return
    this._isDrawing = true
    try {
      while (this._wanted) await this._drawOnce()
    } finally {
      this._isDrawing = false
    }
  }

  async _drawOnce() {
    const { reference, _wanted: wanted } = this
    this._wanted = null
    const arrival = await fetchPage(`/desk/conversations/${reference}`)
    if (this._wanted === 'all' || !arrival?.isOk || reference !== this.reference || !isDesk(arrival.page)) return
    if (wanted === 'all') this._take(arrival, true, null, false)
    // Where somebody writes beside them, only they are taken over.
    this._takeColleagues(arrival.page)
  }

  /** Something newer has just been put there: what is on its way does not know of it. */
  outdate() {
    if (this._isDrawing) this._wanted = 'all'
  }

  /** @param {Document} page */
  _takeColleagues(page) {
    const here = this.root.querySelector('#colleagues')
    const there = page.querySelector('#colleagues')
    const isInUse = here?.querySelector('details[open]') || here?.contains(document.activeElement)
    if (here && there && !isInUse && !isWrittenIn(here, null)) here.replaceWith(document.adoptNode(there))
  }

  /**
   * @param {Arrival} arrival
   * @param {boolean} isBack
   * @param {HTMLFormElement | null} [form] What led here; it is done with.
   * @param {boolean} [isAsked] Whether the reader asked for it.
   */
  _take(arrival, isBack, form = null, isAsked = true) {
    const { page, address } = arrival
    const next = mainOf(page)
    // An action that leads to the bare desk, as when nobody waits, leaves what is open as it is.
    const isStaying = form !== null && !next.dataset.reference && form.dataset.leaves === undefined
    const isSame = (next.dataset.reference === this.reference && next.dataset.part === this.root.dataset.part) || isStaying
    // Before the parts it stands in are taken over.
    const said = saidOn(page)
    this._takeLine(arrival, form !== null)
    if (isSame) this._takeContext(page, form)
    else this._takeAll(page, next, address, isBack, isAsked)
    if (said || form) this._hooks.onMessage(said)
  }

  /**
   * @param {Arrival} arrival
   * @param {boolean} isAnswer Whether it answers what was done here, so that nothing under the hand may stay.
   */
  _takeLine({ page, askedAt }, isAnswer) {
    const focused = document.activeElement
    const href = focused?.getAttribute('href')
    const place = slot(this.root, 'offer-place')
    const isInUse = place?.contains(focused) && !isAnswer
    if (!isInUse && !holdsItsOffer(this.root, page, askedAt)) replaceIn(place, slot(page, 'offer-place'))
    replaceIn(slot(this.root, 'mine'), slot(page, 'mine'))
    if (href && !focused?.isConnected) focusLink(slot(this.root, 'mine'), href)
    for (const name of ['active', 'waiting', 'waiting-emergency', 'waiting-same_day', 'waiting-routine', 'longest']) {
      fill(this.root, name, slot(page, name)?.textContent ?? '')
    }
    for (const name of ['to-wrap-up', 'questions', 'line-closed', 'notices-place', 'invitations']) this._takePart(page, name)
    const none = slot(this.root, 'mine-none')
    if (none) none.hidden = slot(page, 'mine-none')?.hidden ?? true
    const empty = this.root.querySelector('.desk__empty')
    const emptyThere = page.querySelector('.desk__empty')
    if (empty && emptyThere) empty.replaceWith(document.adoptNode(emptyThere))
    this._takeDuty(page)
    this._hooks.onLine()
  }

  /**
   * Only if it says something else, so that nothing moves away from under a hand for nothing.
   *
   * @param {Document} page
   * @param {string} name
   */
  _takePart(page, name) {
    const here = slot(this.root, name)
    const there = slot(page, name)
    if (here?.textContent !== there?.textContent) replaceIn(here, there)
  }

  /** @param {Document} page */
  _takeDuty(page) {
    const there = [...(slot(page, 'duty')?.querySelectorAll('button') ?? [])]
    slot(this.root, 'duty')?.querySelectorAll('button').forEach((button, index) => {
      const pressed = there[index]?.getAttribute('aria-pressed')
      if (pressed) button.setAttribute('aria-pressed', pressed)
      button.value = there[index]?.value ?? button.value
    })
  }

  /**
   * While somebody writes in it, only the block of what was just sent.
   *
   * @param {Document} page
   * @param {HTMLFormElement | null} form
   */
  _takeContext(page, form) {
    const here = this.root.querySelector('#context')
    const there = page.querySelector('#context')
    if (!here || !there) return
    const refocus = keepFocus(here)
    if (isWrittenIn(here, form)) {
      if (form && !takeBlock(here, there, form)) form.reset()
    } else {
      const top = here.scrollTop
      const fresh = document.adoptNode(there)
      // What is open there is being chosen from, unless that was just sent.
      const colleagues = here.querySelector('#colleagues')
      if (!form && colleagues?.querySelector('details[open]')) fresh.querySelector('#colleagues')?.replaceWith(colleagues)
      here.replaceWith(fresh)
      fresh.scrollTop = top
    }
    refocus(this.root)
    this._hooks.onContext(this.reference)
  }

  /**
   * @param {Document} page
   * @param {HTMLElement} next
   * @param {string} address
   * @param {boolean} isBack
   * @param {boolean} isAsked
   */
  _takeAll(page, next, address, isBack, isAsked) {
    const refocus = keepFocus(this.root)
    // A page that is on its way was asked for before this came.
    if (next.dataset.reference !== this.reference) this._asked++
    this._hooks.onLeave()
    for (const old of this.root.querySelectorAll(':scope > .desk__talk, :scope > .desk__context')) old.remove()
    const line = this.root.querySelector('#line')
    line?.after(...adopted(next.querySelectorAll(':scope > .desk__talk, :scope > .desk__context')))
    for (const name of ['reference', 'part', 'lastSeq', 'seenSeq']) this.root.dataset[name] = next.dataset[name]
    this.root.className = next.className
    document.title = page.title
    if (!isBack) history.pushState(null, '', address)
    this._path = location.pathname
    this._hooks.onOpen(isAsked)
    this._hooks.onContext(this.reference)
    // Whoever was writing a note goes on with it, and not in what the visitor reads.
    if (!isAsked) refocus(this.root)
  }

  /**
   * What takes longer than a blink says so.
   *
   * @template T
   * @param {string} words
   * @param {Promise<T>} work
   */
  async _withWords(words, work) {
    const timer = setTimeout(() => this._hooks.onMessage(words), WORDS_AFTER_MS)
    const result = await work
    clearTimeout(timer)
    return result
  }
}

/** @param {Document} page */
function isDesk(page) {
  return page.querySelector('main[data-module="desk"]') !== null
}

/** @param {Document} page */
function saidOn(page) {
  return (page.querySelector('.desk__message')?.textContent ?? '').trim()
}

/** @param {Document} page @returns {HTMLElement} */
function mainOf(page) {
  return /** @type {HTMLElement} */ (page.querySelector('main'))
}

/**
 * @param {HTMLElement | null} list
 * @param {string} href
 */
function focusLink(list, href) {
  const link = [...(list?.querySelectorAll('a') ?? [])].find((one) => one.getAttribute('href') === href)
  link?.focus()
}

/**
 * Whether the page leads to another conversation than this one.
 *
 * @param {Document} page
 * @param {string} reference
 */
function isOther(page, reference) {
  const other = isDesk(page) ? mainOf(page).dataset.reference : ''
  return Boolean(other) && other !== reference
}

/**
 * Whether something was changed there beside the form that was just sent, or looked for, of which the findings are being read.
 *
 * @param {Element} part
 * @param {HTMLFormElement | null} form
 */
function isWrittenIn(part, form) {
  /** @type {NodeListOf<HTMLInputElement | HTMLTextAreaElement>} */
  const fields = part.querySelectorAll('textarea, input:not([type="hidden"], [type="radio"])')
  const isInUse = ({ id, value, defaultValue }) => value.trim() !== '' && (id === 'q' || value !== defaultValue)
  return [...fields].some((field) => !form?.contains(field) && isInUse(field))
}

/**
 * Draws the block of one form anew and leaves what stands beside it.
 *
 * @param {Element} here
 * @param {Element} there
 * @param {HTMLFormElement} form
 */
function takeBlock(here, there, form) {
  const old = form.closest('.context__block')
  const title = old?.getAttribute('aria-labelledby')
  const fresh = title ? there.querySelector(`.context__block[aria-labelledby="${title}"]`) : null
  if (!old || !fresh || !here.contains(old) || isWrittenIn(old, form)) return false
  old.replaceWith(document.adoptNode(fresh))
  return true
}

/**
 * @param {Element | null} here
 * @param {Element | null} there
 */
function replaceIn(here, there) {
  if (here && there) here.replaceChildren(...adopted(there.childNodes))
}

/** @param {Iterable<Node>} nodes */
function adopted(nodes) {
  return [...nodes].map((node) => document.adoptNode(node))
}
