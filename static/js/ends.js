/** @typedef {import('./transports.js').Frame} Frame */

/** Whether this event is the end of its conversation. @param {Frame} event */
export const isEnd = ({ kind, author }) => kind === 'ended' || (kind === 'left' && author?.kind === 'visitor')
