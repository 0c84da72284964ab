/**
 * The waiting room: the place in the line as a sentence that changes quietly, and
 * the way over to the conversation when an advisor joins. Reading guidance here
 * never loses the place, nor what is open when closing time makes it a question.
 */

import { Announcer } from './announcer.js'
import { Connection } from './connection.js'
import { readDoors } from './doors.js'
import { cloneTemplate, fill, slot } from './fragments.js'
import { freshnessOf } from './freshness.js'
import { keepConnected } from './keep_connected.js'
import { showLineState } from './line_state.js'
import { fetchPage } from './pages.js'
import { placeSentence } from './place.js'
import { postJson } from './post.js'
import { attachSound, Sound } from './sound.js'
import { readWords } from './words.js'

const ANNOUNCE_EVERY_MS = 30000
const SOUND_MS = 800
const MOST_ARTICLES = 3
const WAITS = new Set(['waiting', 'question'])
/** Events that leave the visitor where they are. */
const STAYS = new Set(['message', 'queued', 'requeued', 'hidden'])

/** @typedef {import('./transports.js').Frame} Frame */
/** @typedef {import('./words.js').Words} Words */

/** @param {HTMLElement} root */
export default function attach(root) {
  const words = readWords(root)
  const reference = root.dataset.reference ?? ''
  const sound = new Sound()
  const soundPlace = slot(root, 'sound')
  if (soundPlace) soundPlace.hidden = false
  attachSound(root, sound)
  const connection = new Connection({
    doors: readDoors(root),
    after: { [reference]: Number(root.dataset.lastSeq ?? 0) },
    epoch: root.dataset.epoch,
    build: root.dataset.build
  })
  const announcer = new Announcer(root, slot(root, 'announce'), ANNOUNCE_EVERY_MS)
  const go = once((isMet) => goOver(isMet, sound, words))
  const keep = once(() => showKept(root, announcer))
  connection.on('frame:welcome', ({ conversations = [] }) => {
    for (const { status } of conversations) if (!WAITS.has(status)) go(status === 'active')
  })
  connection.on('frame:event', (event) => movesOn(event) && go(isMeeting(event)))
  connection.on('frame:event', (event) => isKept(event) && keep())
  connection.on('reset', () => go(false))
  connection.on('state', ({ closing }) => closing?.word === 'over' && go(false))
  connection.on('frame:queue', showPlace(root, words, announcer))
  connection.on('frame:suggestions', ({ articles = [] }) => addArticles(root, words, articles))
  reportReading(root)
  showLineState(() => slot(root, 'connection'), connection, words)
  keepConnected(connection)
}

/** @param {Frame} event */
function movesOn({ kind, author }) {
  return !STAYS.has(kind) || (kind === 'message' && author?.kind !== 'visitor')
}

/** An advisor is there; else the wait has ended without one. @param {Frame} event */
function isMeeting({ kind, author, data }) {
  return kind === 'joined' || (kind === 'transferred' && data?.to === 'advisor') || (kind === 'message' && author?.kind === 'advisor')
}

/** It left the line and is a question: closing time came, or another window did it. @param {Frame} event */
function isKept({ kind, data }) {
  return kind === 'queued' && data?.question === true
}

/**
 * The page says so now; what is being read stays open.
 *
 * @param {HTMLElement} root
 * @param {Announcer} announcer
 */
async function showKept(root, announcer) {
  const page = (await fetchPage('/chat'))?.page
  const [here, there] = [slot(root, 'standing'), page && slot(page, 'standing')]
  if (!here || !page || !there) {
    location.replace('/chat')
    return
  }
  here.replaceWith(document.adoptNode(there))
  document.title = page.title
  const form = slot(root, 'leave-question')
  const heading = there.querySelector('h1')
  if (heading && form?.contains(document.activeElement)) {
    heading.tabIndex = -1
    heading.focus()
  }
  form?.remove()
  announcer.say([...there.children].map((line) => line.textContent?.trim()).join(' '))
}

/**
 * @param {boolean} isMet Whether an advisor is there.
 * @param {Sound} sound
 * @param {Words} words
 */
function goOver(isMet, sound, words) {
  if (isMet) {
    document.title = words('advisor_here')
    sound.play()
  }
  setTimeout(() => location.replace('/chat'), isMet && sound.isOn ? SOUND_MS : 0)
}

/**
 * The sentence changes in sight at once, and is read out at most twice a minute.
 *
 * @param {HTMLElement} root
 * @param {Words} words
 * @param {Announcer} announcer
 */
function showPlace(root, words, announcer) {
  slot(root, 'place')?.removeAttribute('role')
  /** @param {Frame} frame */
  return (frame) => {
    const sentence = frame.sentence ?? placeSentence(frame.position, frame.wait_minutes, words)
    const notice = frame.notice ?? ''
    const isNew = [showText(slot(root, 'place'), sentence), showText(slot(root, 'line-message'), notice)].some(Boolean)
    if (isNew) announcer.say(`${sentence} ${notice}`.trim())
  }
}

/**
 * @param {HTMLElement | null} place Hidden while there is nothing in it.
 * @param {string} text
 * @returns {boolean} Whether it said something else before.
 */
function showText(place, text) {
  if (!place || place.textContent?.trim() === text) return false
  place.textContent = text
  place.hidden = !text
  return true
}

/**
 * Guidance that came to fit is added below; what stands there may be in use and stays.
 *
 * @param {HTMLElement} root
 * @param {Words} words
 * @param {Array<{slug: string, title: string, version: number, language?: string, freshness?: string, checked_on?: string | null}>} articles
 */
function addArticles(root, words, articles) {
  const list = slot(root, 'articles')
  if (!list) return
  for (const article of articles) {
    const { slug, title, version, language = 'en' } = article
    if (list.children.length >= MOST_ARTICLES) return
    if (list.querySelector(`[data-slug="${CSS.escape(slug)}"]`)) continue
    const reader = cloneTemplate(root, 'reader')
    reader.dataset.slug = slug
    reader.dataset.version = String(version)
    fill(reader, 'title', title)
    slot(reader, 'title')?.setAttribute('lang', language)
    slot(reader, 'freshness')?.replaceChildren(freshnessOf(root, words, article))
    slot(reader, 'link')?.setAttribute('href', `/guidance/${encodeURIComponent(slug)}`)
    list.append(reader)
  }
}

/**
 * The advisor is told which articles were opened, where the page says how.
 *
 * @param {HTMLElement} root
 */
function reportReading(root) {
  const { opened, csrf = '' } = root.dataset
  if (!opened) return
  const told = new Set()
  /** @param {HTMLDetailsElement} reader */
  const tell = ({ dataset }) => {
    if (told.has(dataset.slug)) return
    told.add(dataset.slug)
    postJson(opened, csrf, { article: dataset.slug, version: Number(dataset.version) })
  }
  const articles = slot(root, 'articles')
  // Opened before this script was there.
  for (const reader of articles?.querySelectorAll('details[open]') ?? []) if (reader instanceof HTMLDetailsElement) tell(reader)
  // `toggle` does not bubble; it is caught on its way down.
  articles?.addEventListener('toggle', ({ target }) => target instanceof HTMLDetailsElement && target.open && tell(target), true)
}

/** @param {(...details: any[]) => void} call */
function once(call) {
  let isDone = false
  return (/** @type {any[]} */ ...details) => {
    if (isDone) return
    isDone = true
    call(...details)
  }
}
