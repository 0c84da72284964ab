/**
 * Three ways to carry the same frames: a socket, an event stream with POST, a
 * long poll with POST. Each opens with a hello and reports its end exactly once,
 * with a close code; none of them decides whether to come back.
 *
 * @typedef {{type: string, [field: string]: any}} Frame
 *
 * @typedef {object} Doors The addresses of one side.
 * @property {string} socket
 * @property {string} events
 * @property {string} poll
 * @property {(reference: string) => string} send
 * @property {string} read
 * @property {string} typing
 * @property {boolean} isSingle Whether this side sees one conversation only.
 * @property {string} token The form token, for POST.
 *
 * @typedef {object} Line Where a transport gets its words from and hands frames to.
 * @property {Doors} doors
 * @property {() => Frame} hello The hello for the place that is held right now.
 * @property {(frame: Frame) => void} onFrame
 * @property {(frame: Frame) => void} onAnswer A frame made of the answer to a POST.
 * @property {(code: number) => void} onClose
 *
 * @typedef {object} Carrier An open transport.
 * @property {(frame: Frame) => void} send
 * @property {() => void} close Ends it without a report.
 *
 * @typedef {object} Transport
 * @property {string} name
 * @property {boolean} pings Whether a ping is answered with a pong.
 * @property {boolean} ends Whether the server ends it by plan after a while.
 * @property {(line: Line) => Carrier} open
 */

import { postJson } from './post.js'

const ABNORMAL = 1006
const POLL_WAIT_S = 25
const POLL_TIMEOUT_MS = 40000
const SHORTEST_POLL_MS = 300
const QUIET_POLL_MS = 2000

/** @type {Transport} */
const socket = {
  name: 'socket',
  pings: true,
  ends: false,
  open(line) {
    const end = once(line.onClose)
    const address = new URL(line.doors.socket, location.href)
    address.protocol = address.protocol.replace('http', 'ws')
    const wire = new WebSocket(address, 'advice.v1')
    /** @param {Frame} frame */
    const send = (frame) => wire.readyState === WebSocket.OPEN && wire.send(JSON.stringify(frame))
    wire.onopen = () => send(line.hello())
    wire.onmessage = (message) => receive(message.data, line)
    wire.onclose = (event) => end(event.code)
    return {
      send,
      close() {
        end.cancel()
        wire.onopen = null
        wire.onmessage = null
        wire.close(1000)
      }
    }
  }
}

/** @type {Transport} */
const stream = {
  name: 'stream',
  pings: false,
  ends: true,
  open(line) {
    const end = once(line.onClose)
    const source = new EventSource(`${line.doors.events}?${query(line)}`)
    const post = poster(line)
    source.onmessage = (message) => receive(message.data, line)
    // The browser would come back by itself with an old place; we come back with the present one.
    source.onerror = () => {
      source.close()
      end(ABNORMAL)
    }
    return {
      send: post.send,
      close() {
        end.cancel()
        post.cancel()
        source.close()
      }
    }
  }
}

/** @type {Transport} */
const poll = {
  name: 'poll',
  pings: false,
  ends: false,
  open(line) {
    const end = once(line.onClose)
    const post = poster(line)
    const stop = new AbortController()
    keepPolling(line, stop).catch((problem) => end(problem.closeCode ?? ABNORMAL))
    return {
      send: post.send,
      close() {
        end.cancel()
        post.cancel()
        stop.abort()
      }
    }
  }
}

/** The best first. @type {Transport[]} */
export const TRANSPORTS = [socket, stream, poll]

/**
 * @param {Line} line
 * @param {AbortController} stop
 */
async function keepPolling(line, stop) {
  for (let waitS = 0; ; waitS = POLL_WAIT_S) {
    const giveUp = setTimeout(() => stop.abort(), POLL_TIMEOUT_MS)
    const askedAt = Date.now()
    const answer = await fetch(`${line.doors.poll}?${query(line)}&wait=${waitS}`, {
      headers: { Accept: 'application/json' },
      cache: 'no-store',
      signal: stop.signal
    })
    if (!answer.ok) throw refusal(answer.status)
    const frames = await answer.json()
    clearTimeout(giveUp)
    for (const frame of frames) line.onFrame(named(frame))
    // Passing frames are new to every poll and answer it at once; those must not make it a busy loop.
    if (waitS > 0 && Date.now() - askedAt < SHORTEST_POLL_MS) await pause(frames.some(isEvent) ? SHORTEST_POLL_MS : QUIET_POLL_MS)
    if (stop.signal.aborted) return
  }
}

/** @param {Frame} frame */
const isEvent = (frame) => named(frame).type === 'event'

/** @param {number} ms */
function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** @param {number} status */
function refusal(status) {
  return Object.assign(new Error(`poll answered ${status}`), { closeCode: status === 401 ? 4100 : ABNORMAL })
}

/**
 * Says, marks as read and shows typing by POST, and turns each answer into the
 * frame that a socket would have brought.
 *
 * @param {Line} line
 */
function poster(line) {
  const { doors } = line
  let cancelled = false

  /** @param {Frame} frame */
  async function say(frame) {
    const { conversation, id, text, confirm } = frame
    const content = { conversation, id, text, ...(confirm && { confirm }) }
    const { status, body } = await postJson(doors.send(conversation), doors.token, content)
    if (cancelled) return
    if (status === 201 || status === 200) line.onAnswer({ type: 'ack', conversation, again: false, ...body, id })
    else if (body.code === 'hold') line.onAnswer({ type: 'hold', conversation, id, findings: body.findings })
    else if (status === 401) line.onClose(4100)
    else if (body.code) line.onAnswer({ type: 'error', conversation, ...body, id })
    else line.onAnswer({ type: 'error', conversation, id, code: 'unavailable', message: '' })
  }

  return {
    /** @param {Frame} frame */
    send(frame) {
      if (frame.type === 'say') say(frame)
      else if (frame.type === 'read') postJson(doors.read, doors.token, { conversation: frame.conversation, seq: frame.seq })
      else if (frame.type === 'typing') postJson(doors.typing, doors.token, { conversation: frame.conversation })
    },
    cancel() {
      cancelled = true
    }
  }
}

/**
 * Where to go on: a plain number for a visitor's one conversation, else
 * `reference:seq` with commas.
 *
 * @param {Line} line
 */
function query({ doors, hello: sayHello }) {
  const hello = sayHello()
  const places = Object.entries(hello.after)
  const after = doors.isSingle && places.length === 1 ? String(places[0][1]) : places.map(([reference, seq]) => `${reference}:${seq}`).join(',')
  const fields = new URLSearchParams()
  if (after) fields.set('after', after)
  if (hello.epoch) fields.set('epoch', hello.epoch)
  return fields.toString()
}

/**
 * @param {string} data
 * @param {Line} line
 */
function receive(data, line) {
  let frame
  try {
    frame = JSON.parse(data)
  } catch {
    return
  }
  line.onFrame(named(frame))
}

/** @param {any} frame @returns {Frame} */
function named(frame) {
  return frame.type ? frame : { ...frame, type: frame.t }
}

/**
 * Calls through once at most; `cancel` makes that never.
 *
 * @param {(code: number) => void} call
 */
function once(call) {
  let open = true
  /** @param {number} code */
  const through = (code) => {
    if (!open) return
    open = false
    call(code)
  }
  through.cancel = () => {
    open = false
  }
  return through
}
