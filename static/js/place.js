/** The place in the line as a sentence, as the server says it on the page. */

/**
 * @param {number | null} position 1 is next.
 * @param {[number, number] | null} wait In minutes.
 * @param {import('./words.js').Words} words
 */
export function placeSentence(position, wait, words) {
  if (!position) return words('place_unknown')
  const place = position === 1 ? words('place_next') : words('place', { position, ordinal: ordinal(position) })
  if (!wait) return `${place} ${words('wait_unknown')}`
  const [low, high] = wait
  return `${place} ${low < 1 ? words('wait_short', { high }) : words('wait', { low, high })}`
}

/** @param {number} number */
function ordinal(number) {
  const isTeen = [11, 12, 13].includes(number % 100)
  const ending = isTeen ? 'th' : (['th', 'st', 'nd', 'rd'][number % 10] ?? 'th')
  return `${number}${ending}`
}
