/**
 * Connects when the page is there, rests while the browser keeps it in its
 * cache, and looks at once when the network or the person comes back.
 *
 * @param {import('./connection.js').Connection} connection
 */
export function keepConnected(connection) {
  addEventListener('online', () => connection.check())
  addEventListener('offline', () => connection.doubt())
  addEventListener('pagehide', () => connection.rest())
  addEventListener('pageshow', (event) => event.persisted && connection.open())
  document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && connection.check())
  connection.open()
}
