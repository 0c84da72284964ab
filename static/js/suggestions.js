/**
 * Guidance offered beside a conversation: redrawn as it comes, except what the
 * advisor put aside for this conversation, and not while somebody is in it.
 */

import { cloneTemplate, fill, slot } from './fragments.js'
import { freshnessOf } from './freshness.js'
import { postJson } from './post.js'

/**
 * @typedef {object} Article
 * @property {string} slug
 * @property {string} title
 * @property {number} version
 * @property {string} why
 * @property {string} [freshness]
 * @property {string} [language]
 * @property {string | null} [checked_on]
 */

export class Suggestions {
  /**
   * @param {HTMLElement} root
   * @param {import('./words.js').Words} words
   */
  constructor(root, words) {
    this._root = root
    this._words = words
    /** @type {Map<string, Set<string>>} Slugs put aside, by conversation. */
    this._aside = new Map()
    root.addEventListener('click', (event) => this._click(event))
  }

  /**
   * @param {string} reference
   * @param {Article[]} articles
   */
  show(reference, articles) {
    const list = slot(this._root, 'suggestions')
    // A button must not move away from under a hand that is about to press it.
    if (!list || list.contains(document.activeElement) || list.matches(':hover')) return
    const wanted = articles.filter(({ slug }) => !this._aside.get(reference)?.has(slug))
    list.replaceChildren(...wanted.map((article) => this._draw(reference, article)))
    this._showNone(list)
    this._sayWhatIsShown(list)
  }

  /** After the server drew the list. @param {string} reference */
  adopt(reference) {
    const list = slot(this._root, 'suggestions')
    if (!list) return
    for (const item of [...list.children]) {
      if (item instanceof HTMLElement && this._aside.get(reference)?.has(item.dataset.slug ?? '')) item.remove()
    }
    for (const button of list.querySelectorAll('[data-action="dismiss"]')) button.removeAttribute('hidden')
    this._showNone(list)
    this._sayWhatIsShown(list)
  }

  /** The form that shares the article in this place, counted from 0. @param {number} index @returns {HTMLFormElement | null} */
  shareForm(index) {
    const forms = this._root.querySelectorAll('.suggestions [data-slot="share"]')
    const form = forms[index]
    return form instanceof HTMLFormElement ? form : null
  }

  /**
   * @param {string} reference
   * @param {Article} article
   */
  _draw(reference, article) {
    const item = cloneTemplate(this._root, 'suggestion')
    item.dataset.slug = article.slug
    fill(item, 'title', article.title)
    slot(item, 'title')?.setAttribute('lang', article.language ?? 'en')
    fill(item, 'share-title', ` ${article.title}`)
    fill(item, 'why', article.why)
    slot(item, 'link')?.setAttribute('href', `/guidance/${encodeURIComponent(article.slug)}`)
    slot(item, 'freshness')?.replaceChildren(freshnessOf(this._root, this._words, article))
    const form = slot(item, 'share')
    form?.setAttribute('action', `/desk/conversations/${reference}/share`)
    form?.querySelector('[name="article"]')?.setAttribute('value', article.slug)
    item.querySelector('[data-action="dismiss"]')?.removeAttribute('hidden')
    return item
  }

  /** @param {MouseEvent} event */
  _click(event) {
    const button = event.target instanceof Element ? event.target.closest('[data-action="dismiss"]') : null
    const item = button?.closest('[data-slug]')
    if (!(item instanceof HTMLElement)) return
    const reference = this._root.dataset.reference ?? ''
    const aside = this._aside.get(reference) ?? new Set()
    this._aside.set(reference, aside.add(item.dataset.slug ?? ''))
    postJson(`/desk/conversations/${reference}/dismiss`, this._root.dataset.csrf ?? '', { article: item.dataset.slug })
    const list = item.parentElement
    const next = item.nextElementSibling ?? item.previousElementSibling
    item.remove()
    next?.querySelector('button')?.focus()
    if (list) {
      this._showNone(list)
      this._sayWhatIsShown(list)
    }
  }

  /** What "Nothing fits" is about. @param {Element} list */
  _sayWhatIsShown(list) {
    const slugs = [...list.children].map((item) => (item instanceof HTMLElement ? item.dataset.slug : ''))
    slot(this._root, 'nothing-fits')?.querySelector('[name="shown"]')?.setAttribute('value', slugs.join(' '))
  }

  /** @param {Element} list */
  _showNone(list) {
    const none = slot(this._root, 'suggestions-none')
    if (none) none.hidden = list.children.length > 0
  }
}
