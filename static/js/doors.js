/**
 * Reads from a module's root where its side of the conversation is served. What
 * the root does not say follows from the address of the socket.
 *
 * @param {HTMLElement} root
 * @returns {import('./transports.js').Doors}
 */
export function readDoors(root) {
  const { socket = '/chat/socket', events, poll, send, read, typing } = root.dataset
  const base = socket.replace(/\/socket$/, '')
  return {
    socket,
    events: events ?? `${base}/events`,
    poll: poll ?? `${base}/poll`,
    send: (reference) => send ?? `${base}/conversations/${reference}/messages`,
    read: read ?? `${base}/read`,
    typing: typing ?? `${base}/typing`,
    isSingle: base === '/chat',
    // Read anew each time: who signs in again gets another.
    get token() {
      return root.dataset.csrf ?? ''
    }
  }
}
