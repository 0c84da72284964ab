/**
 * Notes that only staff read, in the right column: those of colleagues as they
 * come, and one's own, which is held back like a message when it seems to
 * identify a person.
 */

import { cloneTemplate, fill, slot } from './fragments.js'
import { openHold } from './hold.js'
import { newId } from './ids.js'
import { postJson } from './post.js'
import { clockText } from './times.js'

/** Long enough for a form that was sent to take the page with it. */
const LEAVING_MS = 1000

/** What the panel says over a note, where it stands in the panel. */
const NOTE_WORDS = [
  ['.hold__lead', 'note_held_lead'],
  ['[data-action="hold-edit"]', 'note_edit'],
  ['[data-action="hold-mask"]', 'note_mask'],
  ['[data-action="hold-send"]', 'note_send']
]

/**
 * The page that answers an action may bring the note as well; it stands there once.
 *
 * @param {HTMLElement} root
 * @param {import('./transports.js').Frame} event
 */
export function addNote(root, { author, text, at, seq }) {
  const notes = slot(root, 'notes')
  if (!notes || notes.querySelector(`[data-seq="${seq}"]`)) return
  const item = cloneTemplate(root, 'staff-note')
  item.dataset.seq = String(seq)
  fill(item, 'author', author.name)
  fill(item, 'text', text)
  fill(item, 'time', clockText(new Date(at)))
  slot(item, 'time')?.setAttribute('datetime', at)
  notes.append(item)
}

export class NoteForm {
  /**
   * @param {HTMLElement} root
   * @param {import('./words.js').Words} words
   * @param {(sentence: string) => void} say
   */
  constructor(root, words, say) {
    this._root = root
    this._words = words
    this._say = say
    /** @type {Map<string, {text: string, id: string}>} What was sent last to each, and the id it had. */
    this._last = new Map()
    /** @type {Map<string, string>} What was being written where another conversation was opened, by the reference. */
    this._left = new Map()
    /** @type {Set<string>} Those that went to somebody else, and take no note of this reader. */
    this._lost = new Set()
    this._isLeaving = false
  }

  /** Whether leaving the page would lose a note that is being written and could be added. */
  get isUnsent() {
    const isWriting = !this._isLeaving && (this._field?.value.trim() ?? '') !== ''
    return isWriting || [...this._left.keys()].some((reference) => !this._lost.has(reference))
  }

  /** It is not this reader's any longer. @param {string} reference */
  lose(reference) {
    this._lost.add(reference)
  }

  get _field() {
    return slot(this._root, 'note-form')?.querySelector('textarea') ?? null
  }

  get _reference() {
    return this._root.dataset.reference ?? ''
  }

  /** Another conversation is about to take the place of this one. */
  leave() {
    const text = this._field?.value ?? ''
    if (text.trim() !== '') this._left.set(this._reference, text)
  }

  /** Another conversation is open now: what was being written there stands there again. */
  open() {
    const field = this._field
    if (!field) return
    field.value ||= this._left.get(this._reference) ?? ''
    this._left.delete(this._reference)
    this._lost.delete(this._reference)
  }

  /**
   * Once the connection is closed for good, the form goes to the server as it would without scripts, if it would be taken.
   *
   * @param {SubmitEvent} event
   * @param {boolean} isRefused
   */
  sendPlainly(event, isRefused) {
    if (isRefused) {
      event.preventDefault()
      this._say(this._words('kept'))
      return
    }
    this._isLeaving = true
    // Whoever stays after all, as where another conversation has a note as well, is asked again the next time.
    setTimeout(() => (this._isLeaving = false), LEAVING_MS)
  }

  /**
   * After any doubt the same note goes out under the same id, until its text is changed.
   *
   * @param {HTMLFormElement} form
   * @param {boolean} [confirm] Sent in spite of a hold.
   */
  async send(form, confirm = false) {
    const field = form.querySelector('textarea')
    const text = field?.value.trim() ?? ''
    if (!field || form.dataset.busy !== undefined) return
    if (text === '') {
      this._say(this._words('empty'))
      field.focus()
      return
    }
    const reference = this._reference
    const last = this._last.get(reference)
    const id = last?.text === text ? last.id : newId()
    this._last.set(reference, { text, id })
    form.dataset.busy = ''
    const { status, body } = await postJson(form.getAttribute('action') ?? '', this._root.dataset.csrf ?? '', { id, text, confirm })
    delete form.dataset.busy
    slot(form, 'hold')?.remove()
    if (status === 200 || status === 201) this._done(reference, text)
    else if (body.code === 'hold') this._hold(form, field, text, body.findings ?? [])
    else this._say(body.message || this._words('note_failed'))
  }

  /**
   * It stands there no longer to be added again, where it was sent or where it was put back meanwhile.
   *
   * @param {string} reference
   * @param {string} text
   */
  _done(reference, text) {
    if (this._last.get(reference)?.text === text) this._last.delete(reference)
    const field = this._field
    if (this._left.get(reference)?.trim() === text) this._left.delete(reference)
    if (field && this._reference === reference && field.value.trim() === text) field.value = ''
    this._say(this._words('note_added'))
  }

  /**
   * @param {HTMLFormElement} form
   * @param {HTMLTextAreaElement} field
   * @param {string} text
   * @param {import('./hold.js').Finding[]} findings
   */
  _hold(form, field, text, findings) {
    const panel = openHold(this._root, this._words, { text, findings }, {
      edit: () => field.focus(),
      mask: (masked) => {
        field.value = masked
        field.focus()
        this.send(form)
      },
      send: () => {
        field.focus()
        this.send(form, true)
      }
    }, form)
    for (const [place, key] of NOTE_WORDS) {
      const part = panel.querySelector(place)
      if (part) part.textContent = this._words(key)
    }
    this._say(this._words('note_held'))
    panel.focus()
  }
}
