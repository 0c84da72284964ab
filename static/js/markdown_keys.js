/**
 * The keys above an article's text. Each writes plain Markdown into the textarea, as typing would, so that undo takes it
 * back. One of the keys can be reached by Tab, the others from it by the arrow keys. Without this module they are not shown.
 */

/** Around what is selected: before, after, and what stands there when nothing is selected. */
const AROUND = {
  bold: ['**', '**', 'important words'],
  italic: ['*', '*', 'words'],
  link: ['[', '](https://)', 'words of the link']
}

/** In front of each selected line. */
const BEFORE_LINES = {
  heading: { prefix: '## ', sample: 'Heading' },
  list: { prefix: '- ', sample: 'First point' }
}

/** A block of its own. The selected lines go into it. */
const BLOCKS = {
  steps: { head: '::: steps\n', sample: '1. First step\n2. Second step', foot: '\n:::' },
  check: { head: '::: check {day}\n', sample: 'What has to be checked before this is used.', foot: '\n:::' },
  warning: { head: '::: warning\n', sample: 'What must not be overlooked.', foot: '\n:::' },
  table: { head: '| Heading | Heading |\n| --- | --- |\n', sample: '| Words | Words |', foot: '' }
}

const SHORTCUTS = { b: 'bold', i: 'italic', k: 'link' }

/** @param {HTMLElement} toolbar */
export default function attach(toolbar) {
  const text = document.getElementById(toolbar.dataset.for ?? '')
  const keys = [...toolbar.querySelectorAll('button')]
  if (!(text instanceof HTMLTextAreaElement) || !keys.length) return

  /** @param {HTMLElement} current */
  function rove(current) {
    for (const key of keys) key.tabIndex = key === current ? 0 : -1
  }

  toolbar.addEventListener('click', (event) => {
    const key = event.target instanceof Element ? event.target.closest('button') : null
    if (!key) return
    rove(key)
    write(text, key.dataset.key ?? '')
  })
  toolbar.addEventListener('keydown', (event) => {
    const at = keys.findIndex((key) => key === document.activeElement)
    const next = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: keys.length - 1 }[event.key]
    if (next === undefined || at < 0) return
    event.preventDefault()
    const key = keys[(next + keys.length) % keys.length]
    rove(key)
    key.focus()
  })
  text.addEventListener('keydown', (event) => {
    const key = (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey ? SHORTCUTS[event.key.toLowerCase()] : undefined
    if (!key) return
    event.preventDefault()
    write(text, key)
  })
  rove(keys[0])
  toolbar.hidden = false
}

/**
 * @param {HTMLTextAreaElement} text
 * @param {string} key
 */
function write(text, key) {
  text.focus()
  if (key in AROUND) writeAround(text, AROUND[key])
  else if (key in BEFORE_LINES) writeBeforeLines(text, BEFORE_LINES[key])
  else if (key in BLOCKS) writeBlock(text, BLOCKS[key])
}

/**
 * @param {HTMLTextAreaElement} text
 * @param {string[]} around
 */
function writeAround(text, [before, after, sample]) {
  const start = text.selectionStart
  const words = text.value.slice(start, text.selectionEnd) || sample
  replace(text, start, text.selectionEnd, before + words + after)
  text.setSelectionRange(start + before.length, start + before.length + words.length)
}

/**
 * @param {HTMLTextAreaElement} text
 * @param {{prefix: string, sample: string}} kind
 */
function writeBeforeLines(text, { prefix, sample }) {
  const [start, end] = wholeLines(text)
  const lines = text.value.slice(start, end) || sample
  const written = lines.split('\n').map((line) => (line ? prefix + line : line)).join('\n')
  replace(text, start, end, written)
  text.setSelectionRange(start + prefix.length, start + written.length)
}

/**
 * @param {HTMLTextAreaElement} text
 * @param {{head: string, sample: string, foot: string}} kind
 */
function writeBlock(text, { head, sample, foot }) {
  const [start, end] = wholeLines(text)
  const lines = text.value.slice(start, end) || sample
  const opened = gapBefore(text.value.slice(0, start)) + head.replace('{day}', today())
  replace(text, start, end, opened + lines + foot + gapAfter(text.value.slice(end)))
  text.setSelectionRange(start + opened.length, start + opened.length + lines.length)
}

/**
 * From the start of the first selected line to the end of the last.
 *
 * @param {HTMLTextAreaElement} text
 */
function wholeLines(text) {
  const start = text.value.lastIndexOf('\n', text.selectionStart - 1) + 1
  const end = text.value.indexOf('\n', text.selectionEnd)
  return [start, end < 0 ? text.value.length : end]
}

/** @param {string} before */
function gapBefore(before) {
  return before === '' || before.endsWith('\n\n') ? '' : before.endsWith('\n') ? '\n' : '\n\n'
}

/** @param {string} after */
function gapAfter(after) {
  return after === '' ? '\n' : after.startsWith('\n\n') ? '' : after.startsWith('\n') ? '\n' : '\n\n'
}

function today() {
  const now = new Date()
  return [now.getFullYear(), now.getMonth() + 1, now.getDate()].map((part) => String(part).padStart(2, '0')).join('-')
}

/**
 * @param {HTMLTextAreaElement} text
 * @param {number} start
 * @param {number} end
 * @param {string} written
 */
function replace(text, start, end, written) {
  text.setSelectionRange(start, end)
  // The only way to write into a textarea that undo knows of; where a browser refuses it, undo does not.
  if (document.execCommand('insertText', false, written)) return
  text.setRangeText(written, start, end, 'end')
  text.dispatchEvent(new Event('input', { bubbles: true }))
}
