/**
 * Keys of the desk, and the sheet that lists them. Each works with Alt, so that
 * none is in the way of typing; the only plain one, the question mark, does
 * nothing while somebody writes. None does anything behind an open dialog, as
 * the sheet is. All of them can be switched off on the sheet.
 */

import { element } from './fragments.js'
import { keepChoices } from './preferences.js'

/**
 * @typedef {object} Shortcut
 * @property {string} code As in `KeyboardEvent.code`, with Alt.
 * @property {string} keys For people.
 * @property {string} does
 * @property {() => void} run
 */

export class Shortcuts {
  /**
   * @param {Shortcut[]} shortcuts
   * @param {import('./preferences.js').Choices} choices
   * @param {() => void} onChoice
   */
  constructor(shortcuts, choices, onChoice) {
    this._shortcuts = shortcuts
    this._choices = choices
    this._onChoice = onChoice
    document.addEventListener('keydown', (event) => this._key(event))
  }

  open() {
    this._sheet ??= document.body.appendChild(this._makeSheet())
    if (!this._sheet.open) this._sheet.showModal()
  }

  /** @param {KeyboardEvent} event */
  _key(event) {
    if (!this._choices.keys || event.defaultPrevented || event.ctrlKey || event.metaKey) return
    if (document.querySelector('dialog[open]')) return
    const isSheet = event.key === '?' && !event.altKey && !isWriting(event.target)
    const shortcut = event.altKey ? this._shortcuts.find(({ code }) => code === event.code) : undefined
    if (!isSheet && !shortcut) return
    event.preventDefault()
    if (isSheet) this.open()
    else shortcut?.run()
  }

  _makeSheet() {
    const sheet = element('dialog', 'keys')
    sheet.setAttribute('aria-labelledby', 'keys-title')
    const title = element('h2', 'desk__heading', 'Keys, sound and alerts')
    title.id = 'keys-title'
    const list = element('dl', 'keys__list')
    for (const { keys, does } of [...this._shortcuts, ...WITHOUT_ALT]) {
      const row = element('div', 'keys__row')
      const key = element('dt', '')
      key.append(element('kbd', '', keys))
      row.append(key, element('dd', '', does))
      list.append(row)
    }
    const close = element('button', 'button button--secondary button--small', 'Close')
    close.type = 'button'
    close.addEventListener('click', () => sheet.close())
    sheet.append(title, list, ...CHOICES.map(([name, label]) => this._makeChoice(name, label)), close)
    return sheet
  }

  /**
   * @param {keyof import('./preferences.js').Choices} name
   * @param {string} words
   */
  _makeChoice(name, words) {
    const label = element('label', 'tick')
    const box = element('input', 'tick__input')
    box.type = 'checkbox'
    box.checked = this._choices[name]
    box.addEventListener('change', () => {
      this._choices[name] = box.checked
      keepChoices(this._choices)
      this._onChoice()
    })
    label.append(box, ' ', element('span', '', words))
    const line = element('p', 'keys__choice')
    line.append(label)
    return line
  }
}

const WITHOUT_ALT = [
  { keys: 'Ctrl+Enter', does: 'Send the message' },
  { keys: '/', does: 'Saved replies, in the message box' },
  { keys: '@', does: 'Guidance to share, in the message box' },
  { keys: '?', does: 'This list' }
]

/** @type {Array<[keyof import('./preferences.js').Choices, string]>} */
const CHOICES = [
  ['sound', 'Play a sound when something new comes'],
  ['alerts', 'Show a desktop alert while this page is in the background'],
  ['enterSends', 'Enter sends the message'],
  ['keys', 'Use these keys']
]

/** @param {EventTarget | null} target */
function isWriting(target) {
  return target instanceof HTMLElement && (target.isContentEditable || /^(TEXTAREA|INPUT|SELECT)$/.test(target.tagName))
}
