/**
 * Who is there, in the title of the visitor's page: the advisor first, then who
 * joined them. While nobody is, the place in the line stands there.
 */

export class Who {
  /**
   * @param {HTMLElement} root
   * @param {import('./words.js').Words} words
   */
  constructor(root, words) {
    this._title = /** @type {HTMLElement | null} */ (root.querySelector('.chat__title'))
    this._words = words
    /** @type {string[]} */
    this._names = JSON.parse(this._title?.dataset.present ?? '[]')
  }

  /**
   * By the rule of `names_of_present` in chat/entries.py.
   *
   * @param {import('./transports.js').Frame} event
   */
  hear({ kind, author, data }) {
    const before = this._names.join()
    if (kind === 'joined' && !this._names.includes(author.name)) this._names.push(author.name)
    else if (kind === 'left' && author?.kind === 'advisor') this._names = this._names.filter((name) => name !== author.name)
    else if (kind === 'transferred' || kind === 'requeued') this._passOn(data?.name)
    if (this._names.join() !== before) this._show()
  }

  /** @param {string} sentence */
  showPlace(sentence) {
    this._fill(sentence)
  }

  /** All of the log comes again. */
  startAnew() {
    this._names = []
  }

  /** @param {string} [to] */
  _passOn(to) {
    const guests = this._names.slice(1).filter((name) => name !== to)
    this._names = to ? [to, ...guests] : guests
  }

  _show() {
    const [last, ...others] = [...this._names].reverse()
    const name = others.length ? `${others.reverse().join(', ')} ${this._words('and')} ${last}` : last
    this._fill(last ? this._words('with', { name }) : this._words('waiting'))
  }

  /** @param {string} sentence */
  _fill(sentence) {
    if (this._title && this._title.textContent !== sentence) this._title.textContent = sentence
  }
}
