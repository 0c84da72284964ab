/**
 * The entries of one conversation's log on the page: each event once, in its
 * place, as text. What the reader's own side says stands there at once under its
 * id, and becomes the stored entry when the server has numbered it.
 */

import { cloneTemplate, fill, slot } from './fragments.js'
import { freshnessOf } from './freshness.js'
import { clockText, dayText, isSameDay } from './times.js'

/** @typedef {import('./transports.js').Frame} Frame */

export class Entries {
  /**
   * @param {HTMLElement} root The module's root, with the list and the templates.
   * @param {'visitor' | 'staff'} side
   * @param {import('./words.js').Words} words
   * @param {() => string} ownName What staff read over their own words; a visitor reads "You".
   */
  constructor(root, side, words, ownName) {
    const list = slot(root, 'entries')
    if (!list) throw new Error('the page has no list of entries')
    this._root = root
    this._list = list
    this._side = side
    this._words = words
    this._ownName = ownName
    this._seen = Number(root.dataset.seenSeq ?? 0)
    showTimes(list)
  }

  get count() {
    return this._list.childElementCount
  }

  /** Takes away all that the server has numbered, and what stands between. What is on its way stays. */
  clear() {
    for (const item of [...this._list.children]) if (isDay(item) || item.getAttribute('data-seq')) item.remove()
    this._seen = 0
  }

  /** Puts what came earlier, as the server drew it, before the first entry. @param {Element[]} items */
  prepend(items) {
    const days = [[...items].reverse().find(isDay), this._list.firstElementChild]
    const isSame = days.every((day) => day && isDay(day)) && days[0]?.textContent?.trim() === days[1]?.textContent?.trim()
    if (isSame) days[1]?.remove()
    this._list.prepend(...items.filter((item) => isDay(item) || !this._bySeq(Number(item.getAttribute('data-seq')))))
    showTimes(this._list)
  }

  /** Takes the oldest away until so many are left; the number of the first that stays. @param {number} count */
  keepNewest(count) {
    const items = [...this._list.children]
    const first = items.slice(-count).find((item) => item instanceof HTMLElement && item.dataset.seq)
    if (!(first instanceof HTMLElement)) return 0
    for (const item of items.slice(0, items.indexOf(first))) item.remove()
    const at = slot(first, 'time')?.getAttribute('datetime')
    if (at) this._startDay(first, new Date(at), null)
    return Number(first.dataset.seq)
  }

  /** Whether the event is of the reader's own side. @param {Frame} event */
  isOwn(event) {
    return (event.author?.kind === 'visitor') === (this._side === 'visitor')
  }

  /**
   * Shows an event. Null when there is nothing new to see: it is hidden, or here already.
   *
   * @param {Frame} event
   * @returns {HTMLElement | null}
   */
  addEvent(event) {
    if (event.kind === 'hidden' || this._bySeq(event.seq)) return null
    if (event.kind === 'redacted') this._removeText(event.data?.seq)
    const pending = event.id && this.isOwn(event) ? this._byId(event.id) : null
    if (pending) {
      this.store(event)
      return null
    }
    const item = this._draw(event)
    this._stamp(item, event.seq, event.at)
    this._place(item, event.seq)
    return item
  }

  /**
   * Shows what is on its way. Its writer knows it: a screen reader is told only if it fails.
   *
   * @param {import('./outbox.js').Saying} saying
   */
  addPending(saying) {
    const item = cloneTemplate(this._root, 'message-own')
    if (this._side === 'staff') fill(item, 'author', this._ownName())
    fill(item, 'text', saying.text)
    item.dataset.id = saying.id
    item.setAttribute('aria-live', 'off')
    const at = new Date()
    this._setTime(item, at.toISOString())
    const before = this._list.lastElementChild
    this._list.append(item)
    this._startDay(item, at, before)
    this._showSaying(item, saying)
  }

  /** @param {import('./outbox.js').Saying} saying */
  showSaying(saying) {
    const item = this._byId(saying.id)
    if (!item) this.addPending(saying)
    // A page that came meanwhile may have brought it as stored, before its sender hears of that.
    else if (!item.dataset.seq) this._showSaying(item, saying)
  }

  /** The server has numbered it. @param {{id?: string, seq: number, at: string}} stored */
  store({ id = '', seq, at }) {
    const item = this._byId(id)
    if (!item || item.dataset.seq) return
    this._stamp(item, seq, at)
    this._place(item, seq)
    this._show(item, seq <= this._seen ? 'read' : 'sent')
  }

  /** @param {string} id */
  takeBack(id) {
    const item = this._byId(id)
    if (item && !item.dataset.seq) item.remove()
  }

  /** The other side has read up to here. @param {number} seq */
  markRead(seq) {
    this._seen = Math.max(this._seen, seq)
    for (const item of this._list.querySelectorAll('[data-state="sent"]')) {
      if (item instanceof HTMLElement && Number(item.dataset.seq) <= seq) this._show(item, 'read')
    }
  }

  /** @param {Frame} event */
  _draw(event) {
    if (event.kind === 'message' && event.author?.kind !== 'system') return this._drawMessage(event)
    if (event.kind === 'article') return this._drawArticle(event)
    if (event.kind === 'note') return this._drawNote(event)
    const item = cloneTemplate(this._root, 'line')
    item.dataset.kind = event.kind
    fill(item, 'text', event.text || this._words(`line_${event.kind}`, { name: event.data?.name ?? event.author?.name ?? '' }))
    return item
  }

  /** @param {Frame} event */
  _drawMessage(event) {
    const isOwn = this.isOwn(event)
    const item = cloneTemplate(this._root, isOwn ? 'message-own' : 'message-other')
    if (!isOwn || this._side === 'staff') fill(item, 'author', event.author.name)
    if (isOwn) item.setAttribute('aria-live', 'off')
    item.dataset.id = event.id ?? ''
    fill(item, 'text', event.text)
    this._show(item, event.seq <= this._seen ? 'read' : 'sent')
    return item
  }

  /** @param {Frame} event */
  _drawArticle({ author, data }) {
    const item = cloneTemplate(this._root, 'article')
    fill(item, 'author', author.name)
    fill(item, 'title', data.title)
    slot(item, 'title')?.setAttribute('lang', data.language || 'en')
    fill(item, 'version', data.version)
    slot(item, 'link')?.setAttribute('href', `/guidance/${encodeURIComponent(data.slug)}?version=${Number(data.version)}`)
    slot(item, 'freshness')?.replaceChildren(freshnessOf(this._root, this._words, data))
    return item
  }

  /** @param {Frame} event */
  _drawNote(event) {
    const item = cloneTemplate(this._root, 'note')
    fill(item, 'author', event.author.name)
    fill(item, 'text', event.text)
    return item
  }

  /**
   * @param {HTMLElement} item
   * @param {string} state
   * @param {string} [reason]
   * @param {string} [action] The one that is offered.
   */
  _show(item, state, reason = '', action = '') {
    item.dataset.state = state
    const words = this._words(state)
    fill(item, 'state', reason ? `${words}. ${reason}` : words)
    const focused = document.activeElement
    for (const button of item.querySelectorAll('button[data-action]')) {
      button.toggleAttribute('hidden', button.getAttribute('data-action') !== action)
      // Who pressed it goes on in the log, and not at the top of the page.
      if (button === focused && button.hasAttribute('hidden')) slot(this._root, 'log')?.focus({ preventScroll: true })
    }
  }

  /**
   * What was refused for good is not tried again as it is: it can be changed, or copied where nothing more can be said.
   *
   * @param {HTMLElement} item
   * @param {import('./outbox.js').Saying} saying
   */
  _showSaying(item, { state, reason, isRefused }) {
    const action = !isRefused ? 'retry' : slot(this._root, 'composer') ? 'rescue' : 'copy'
    this._show(item, state, reason, state === 'failed' ? action : '')
  }

  /**
   * @param {HTMLElement} item
   * @param {number} seq
   * @param {string} at
   */
  _stamp(item, seq, at) {
    item.dataset.seq = String(seq)
    item.id = `e${seq}`
    this._offerRemoval(item, seq)
    this._setTime(item, at)
  }

  /**
   * @param {HTMLElement} item
   * @param {string} at
   */
  _setTime(item, at) {
    slot(item, 'time')?.setAttribute('datetime', at)
    fill(item, 'time', clockText(new Date(at)))
  }

  /**
   * By its number, and before whatever has none yet. What stands right already is
   * not moved, as moving it would have it read out again.
   *
   * @param {HTMLElement} item
   * @param {number} seq
   */
  _place(item, seq) {
    const before = this._lastNumbered(this._list.lastElementChild, (other) => other !== item && Number(other.dataset.seq) < seq)
    if (item.isConnected && this._lastNumbered(item.previousElementSibling, () => true) === before) return
    if (before) before.after(item)
    else this._list.prepend(item)
    const at = slot(item, 'time')?.getAttribute('datetime')
    if (at) this._startDay(item, new Date(at), before)
  }

  /**
   * @param {Element | null} from
   * @param {(item: HTMLElement) => boolean} suits
   */
  _lastNumbered(from, suits) {
    for (let item = from; item; item = item.previousElementSibling) {
      if (item instanceof HTMLElement && item.dataset.seq && suits(item)) return item
    }
    return null
  }

  /**
   * Puts a line with the day before the item, where the entry before is of another day.
   *
   * @param {HTMLElement} item
   * @param {Date} at
   * @param {Element | null} before
   */
  _startDay(item, at, before) {
    const earlier = before?.querySelector('time[datetime]')?.getAttribute('datetime')
    if (before && (!earlier || isSameDay(new Date(earlier), at))) return
    const line = cloneTemplate(this._root, 'day')
    fill(line, 'text', dayText(at))
    item.before(line)
  }

  /** @param {number | undefined} seq */
  _removeText(seq) {
    const item = seq ? this._bySeq(seq) : null
    if (!item) return
    fill(item, 'text', this._words('removed'))
    item.dataset.redacted = ''
    slot(item, 'remove')?.remove()
  }

  /**
   * Whose conversation it is can take a message out.
   *
   * @param {HTMLElement} item
   * @param {number} seq
   */
  _offerRemoval(item, seq) {
    const link = slot(item, 'remove')
    if (this._root.dataset.part === 'advisor') link?.setAttribute('href', `?redact=${seq}`)
    else link?.remove()
  }

  /** @param {number} seq @returns {HTMLElement | null} */
  _bySeq(seq) {
    // By the id that each has, which the browser finds without a look at all the others.
    return this._list.querySelector(`#e${Number(seq)}`)
  }

  /** @param {string} id @returns {HTMLElement | null} */
  _byId(id) {
    return id ? this._list.querySelector(`[data-id="${CSS.escape(id)}"]`) : null
  }
}

/** @param {Element} item */
const isDay = (item) => item.getAttribute('data-kind') === 'day'

/** In the reader's own zone. @param {Element} list */
function showTimes(list) {
  for (const time of list.querySelectorAll('time[datetime]')) {
    time.textContent = clockText(new Date(time.getAttribute('datetime') ?? ''))
  }
}
