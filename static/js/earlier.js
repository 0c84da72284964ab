/**
 * The beginning of a long log: what came earlier is put in place when it is
 * asked for, and the oldest entries leave the page again when they are far from
 * what is read, so that a page stays light however long people talk. The link
 * leads to the same entries without scripts.
 */

import { slot } from './fragments.js'
import { fetchPage } from './pages.js'

const MOST_SHOWN = 400
const KEPT = 200
/** Long enough for a screen reader to pass over what was put in. */
const QUIET_MS = 1000

export class Earlier {
  /**
   * @param {HTMLElement} root
   * @param {import('./entries.js').Entries} entries
   * @param {(key: string) => void} say
   */
  constructor(root, entries, say) {
    this._entries = entries
    this._say = say
    this._log = slot(root, 'log')
    this._place = slot(root, 'earlier')
    this._link = this._place?.querySelector('a') ?? null
    this._link?.addEventListener('click', (event) => {
      event.preventDefault()
      this._load()
    })
  }

  /** Takes the oldest entries off the page, if there are too many. They can be asked for again. */
  trim() {
    if (!this._place || this._entries.count <= MOST_SHOWN) return
    this._lead(this._entries.keepNewest(KEPT))
  }

  async _load() {
    if (!this._link || this._isLoading) return
    this._isLoading = true
    const arrival = await fetchPage(this._link.href)
    this._isLoading = false
    const list = arrival?.isOk ? slot(arrival.page, 'entries') : null
    if (!arrival || !list) {
      this._say('earlier_failed')
      return
    }
    const link = slot(arrival.page, 'earlier')
    this._put([...list.children], link?.hidden === false ? new URL(link.querySelector('a')?.getAttribute('href') ?? '', arrival.address) : null)
  }

  /**
   * @param {Element[]} items
   * @param {URL | null} before Where what is still earlier is found.
   */
  _put(items, before) {
    this.hush()
    this._entries.prepend(items)
    this.unhush()
    this._lead(Number(before?.searchParams.get('before') ?? 0))
    this._say('earlier_shown')
  }

  /** The log reads out what is added to it, which is meant for what is new. */
  hush() {
    clearTimeout(this._hushed)
    this._log?.setAttribute('aria-live', 'off')
  }

  unhush() {
    this._hushed = setTimeout(() => this._log?.removeAttribute('aria-live'), QUIET_MS)
  }

  /** All of the log comes again; until then nothing comes before what is shown. */
  startAnew() {
    this.hush()
    this._lead(0)
  }

  /** @param {number} seq The first one shown; 0 when nothing comes before it. */
  _lead(seq) {
    if (!this._place || !this._link) return
    if (seq === 0 && this._place.contains(document.activeElement)) this._log?.focus()
    this._place.hidden = seq === 0
    this._link.search = seq ? `?before=${seq}` : ''
  }
}
