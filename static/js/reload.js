/**
 * Loads the page again when what it holds cannot be continued. Not if that would
 * lose what somebody wrote, and not straight after it was loaded for that reason:
 * a fault of ours must not become a page that reloads for ever.
 */

const SHORTEST_MS = 10000

/**
 * @param {() => boolean} isSafe
 */
export function reloadOnce(isSafe) {
  const isFresh = performance.now() < SHORTEST_MS
  setTimeout(() => isSafe() && location.reload(), isFresh ? SHORTEST_MS : 0)
}
