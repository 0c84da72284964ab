/** The left column's numbers, and when it is drawn anew from the server: soon, and not too often. */

import { fill, slot } from './fragments.js'

const AFTER_MS = 400
const EVERY_MS = 3000

export class LineColumn {
  /**
   * @param {HTMLElement} root
   * @param {() => Promise<boolean>} draw Whether the server gave what is drawn.
   * @param {() => void} onColleagues Somebody came on duty, or went.
   */
  constructor(root, draw, onColleagues) {
    this._root = root
    this._draw = draw
    this._onColleagues = onColleagues
    this._drawnAt = -Infinity
    this._isDrawing = false
    this._isWanted = false
    this._online = Number(root.dataset.online)
  }

  refresh() {
    clearTimeout(this._timer)
    const waitMs = Math.max(AFTER_MS, this._drawnAt + EVERY_MS - performance.now())
    this._timer = setTimeout(() => void this._drawOnce(), waitMs)
  }

  /** One at a time: of two that are on their way the older could come last, and stay. */
  async _drawOnce() {
    this._isWanted = true
    if (this._isDrawing) return
    this._isDrawing = true
    this._isWanted = false
    this._drawnAt = performance.now()
    let isDrawn = true
    try {
      isDrawn = await this._draw()
    } finally {
      this._isDrawing = false
    }
    if (!isDrawn || this._isWanted) this.refresh()
  }

  /** @param {import('./transports.js').Frame} frame */
  show({ waiting, mine, online, longest_wait_s: longestS = 0 }) {
    if (this._online !== online) this._onColleagues()
    this._online = online
    const isOther = this._number('waiting') !== waiting || this._number('active') !== mine
    fill(this._root, 'waiting', waiting)
    fill(this._root, 'active', mine)
    fill(this._root, 'longest', waiting ? longestWait(Math.floor(longestS / 60)) : '')
    if (isOther) this.refresh()
  }

  /** @param {string} name */
  _number(name) {
    return Number(slot(this._root, name)?.textContent)
  }
}

/** @param {number} minutes */
function longestWait(minutes) {
  if (minutes < 1) return 'Longest wait less than a minute'
  return `Longest wait ${minutes} minute${minutes === 1 ? '' : 's'}`
}
