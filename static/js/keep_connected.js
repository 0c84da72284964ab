/**
 * Connects when the page is there, rests while the browser keeps it in its
 * cache, and looks at once when the network or the person comes back, or when
 * the machine has slept.
 */

const TICK_MS = 5000
const SLEPT_MS = 15000

/** @param {import('./connection.js').Connection} connection */
export function keepConnected(connection) {
  addEventListener('online', () => connection.comeBack())
  addEventListener('offline', () => connection.doubt())
  addEventListener('pagehide', () => connection.rest())
  addEventListener('pageshow', (event) => event.persisted && connection.open())
  // A page that the browser had frozen in the background.
  document.addEventListener('resume', () => connection.check())
  document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && look(connection))
  noticeSleep(() => connection.check())
  connection.open()
}

/** Who comes back to the page may have signed in elsewhere meanwhile. @param {import('./connection.js').Connection} connection */
function look(connection) {
  if (connection.closing?.remedy === 'sign-in') connection.revive()
  else connection.check()
}

/**
 * While a machine sleeps no timer runs; the first one afterwards finds that much more time has passed than it waited.
 *
 * @param {() => void} onWake
 */
function noticeSleep(onWake) {
  let last = Date.now()
  setInterval(() => {
    const pausedMs = Date.now() - last - TICK_MS
    last = Date.now()
    if (pausedMs > SLEPT_MS) onWake()
  }, TICK_MS)
}
