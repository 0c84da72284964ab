/** Which key does what at the desk, and the button that shows them. */

import { element } from './fragments.js'
import { Shortcuts } from './shortcuts.js'

/**
 * @param {any} desk The Desk of desk.js.
 * @returns {Shortcuts}
 */
export function makeShortcuts(desk) {
  const { root, offers, suggestions } = desk
  const shortcuts = new Shortcuts(
    [
      { code: 'KeyN', keys: 'Alt+N', does: 'Take the next conversation', run: () => root.querySelector('[data-action="next"]')?.click() },
      { code: 'KeyA', keys: 'Alt+A', does: 'Accept the offer', run: () => offers.answer('accept') },
      { code: 'KeyP', keys: 'Alt+P', does: 'Pass the offer on', run: () => offers.answer('decline') },
      { code: 'KeyI', keys: 'Alt+I', does: 'Accept the invitation', run: () => root.querySelector('[data-action="come"]')?.click() },
      { code: 'KeyJ', keys: 'Alt+J', does: 'Next of my conversations', run: () => step(desk, 1) },
      { code: 'KeyK', keys: 'Alt+K', does: 'Previous of my conversations', run: () => step(desk, -1) },
      { code: 'KeyM', keys: 'Alt+M', does: 'Write a message', run: () => desk.talk?.composer?.focus() },
      { code: 'KeyR', keys: 'Alt+R', does: 'Saved replies', run: () => openReplies(desk) },
      { code: 'KeyS', keys: 'Alt+S', does: 'Share the first suggestion', run: () => suggestions.shareForm(0)?.querySelector('button')?.click() },
      { code: 'KeyG', keys: 'Alt+G', does: 'Search the guidance', run: () => focus(root, '#q') },
      { code: 'KeyO', keys: 'Alt+O', does: 'Write a note', run: () => focus(root, '#note') },
      { code: 'KeyH', keys: 'Alt+H', does: 'Hand over', run: () => unfold(root, '#hand-over') },
      { code: 'KeyC', keys: 'Alt+C', does: 'Ask a colleague in', run: () => unfold(root, '#ask-in') },
      { code: 'KeyE', keys: 'Alt+E', does: 'End the conversation, or leave a colleague’s', run: () => unfold(root, '#ending') },
      { code: 'KeyW', keys: 'Alt+W', does: 'Wrap up', run: () => root.querySelector('[data-slot="to-wrap-up"] a')?.click() },
      { code: 'KeyD', keys: 'Alt+D', does: 'Notices seen', run: () => root.querySelector('[data-action="seen"]')?.click() }
    ],
    desk.choices,
    () => {
      desk.attention.apply()
      if (desk.talk?.composer) desk.talk.composer.enterSends = desk.choices.enterSends
    }
  )
  addButton(root, shortcuts)
  root.addEventListener('keydown', (/** @type {KeyboardEvent} */ event) => event.key === 'Escape' && goOn(desk))
  return shortcuts
}

/**
 * @param {HTMLElement} root
 * @param {Shortcuts} shortcuts
 */
function addButton(root, shortcuts) {
  const button = element('button', 'button button--quiet button--small', 'Keys, sound and alerts')
  button.type = 'button'
  button.title = '?'
  button.addEventListener('click', () => shortcuts.open())
  const line = element('p', 'desk__keys')
  line.append(button)
  ;(root.querySelector('#line') ?? root).append(line)
}

/**
 * @param {any} desk
 * @param {number} by
 */
function step(desk, by) {
  const { references } = desk.mine
  if (references.length === 0) return
  const at = references.indexOf(desk.workspace.reference)
  desk.visit(references[(at + by + references.length) % references.length])
}

/**
 * @param {HTMLElement} root
 * @param {string} selector
 */
function focus(root, selector) {
  const field = root.querySelector(selector)
  if (field instanceof HTMLElement) field.focus()
}

/** Does not end it after all. @param {any} desk */
function goOn(desk) {
  const ending = desk.root.querySelector('#ending')
  if (!ending?.open) return
  ending.open = false
  desk.talk?.composer?.focus()
}

/**
 * Opens what is folded and goes to its first field.
 *
 * @param {HTMLElement} root
 * @param {string} selector
 */
function unfold(root, selector) {
  const part = root.querySelector(selector)
  if (!(part instanceof HTMLDetailsElement)) return
  part.open = true
  const field = part.querySelector('select, input:not([type="hidden"]):not([disabled]), button')
  if (field instanceof HTMLElement) field.focus()
}

/** As if the stroke had been typed. @param {any} desk */
function openReplies(desk) {
  const text = desk.talk?.composer?.text
  if (!text) return
  text.focus()
  text.setRangeText(/\s$|^$/.test(text.value.slice(0, text.selectionStart)) ? '/' : ' /', text.selectionStart, text.selectionEnd, 'end')
  text.dispatchEvent(new Event('input', { bubbles: true }))
}
