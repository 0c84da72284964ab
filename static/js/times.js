/** Times as people read them, in the page's language and the reader's own zone. */

const language = document.documentElement.lang === 'cy' ? 'cy' : 'en-GB'
const clock = new Intl.DateTimeFormat(language, { hour: '2-digit', minute: '2-digit', hour12: false })
const day = new Intl.DateTimeFormat(language, { weekday: 'long', day: 'numeric', month: 'long' })
const date = new Intl.DateTimeFormat(language, { day: 'numeric', month: 'long', year: 'numeric' })

/** @param {Date} at */
export const clockText = (at) => clock.format(at)

/** @param {Date} at */
export const dayText = (at) => day.format(at)

/** @param {Date} at */
export const dateText = (at) => date.format(at)

/**
 * @param {Date} one
 * @param {Date} other
 */
export const isSameDay = (one, other) => one.toDateString() === other.toDateString()

/** Whole minutes from then to now. @param {string} at */
export const minutesSince = (at) => Math.max(0, Math.floor((Date.now() - Date.parse(at)) / 60000))
