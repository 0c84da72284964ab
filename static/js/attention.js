/**
 * Tells an advisor who looks elsewhere that something came: the page's title
 * always, a sound and a desktop alert if they were asked for. An alert never
 * says who wrote or what.
 */

import { Sound } from './sound.js'

export class Attention {
  /** @param {import('./preferences.js').Choices} choices */
  constructor(choices) {
    this._choices = choices
    this._sound = new Sound()
    this._sound.turn(choices.sound)
    this._title = document.title
  }

  /** The page is about something else now. @param {string} title */
  retitle(title) {
    this._title = title
  }

  /** @param {number} count Unread messages and offers. */
  count(count) {
    document.title = count ? `(${count}) ${this._title}` : this._title
  }

  /** @param {string} sentence */
  call(sentence) {
    this._sound.play()
    if (document.visibilityState === 'visible' || !this._choices.alerts || !('Notification' in globalThis)) return
    if (Notification.permission !== 'granted') return
    const alert = new Notification('Dutyline', { body: sentence, tag: 'dutyline', silent: true })
    alert.onclick = () => {
      window.focus()
      alert.close()
    }
  }

  /** The choices changed; asks the browser for what they need. */
  async apply() {
    this._sound.turn(this._choices.sound)
    if (this._choices.sound) this._sound.play()
    if (this._choices.alerts && 'Notification' in globalThis && Notification.permission === 'default') {
      await Notification.requestPermission()
    }
  }
}
