/**
 * The sentences that scripts show. Those of the page, in its own language, come
 * from `<template id="template-words">`; the English ones here stand in for what
 * the page does not bring.
 *
 * @typedef {(key: string, values?: Record<string, string | number>) => string} Words
 */

/** @type {Record<string, string>} */
const ENGLISH = {
  connected: 'Connected',
  connecting: 'Connecting',
  slow: 'Slow network: still working',
  reconnecting: 'Connection lost. Trying again. What you write is kept.',
  offline: 'Offline: your message will be sent when you are back',
  closed: 'This page is no longer connected. Load it again to go on.',
  signed_out: 'You are signed out. What you write is kept here.',
  replaced: 'This conversation goes on in another copy of this page.',
  use_this: 'Use this page',
  old_script: 'The service was updated. Load the page again to go on.',
  withdrawn: 'You no longer have access to this.',
  over: 'The conversation is over.',
  load_again: 'Load the page again',
  sign_in: 'Sign in again (opens in a new tab)',
  sending: 'Sending',
  sent: 'Sent',
  read: 'Read',
  failed: 'Not sent',
  held: 'Not sent yet: please check',
  kept: 'Not sent. What you wrote is kept here, and you can copy it.',
  ended_unsent: 'The conversation ended before it arrived.',
  copied: 'Copied',
  earlier_shown: 'Earlier messages are shown above.',
  drawn_anew: 'The messages were loaded again.',
  earlier_failed: 'The earlier messages could not be loaded. Try again.',
  note_held: 'The note was not added: it may identify a person. Please check the marked words.',
  note_held_lead: 'Nothing has been added. A note needs no names, numbers or addresses. Check the marked words:',
  note_edit: 'Change the note',
  note_mask: 'Add with these words hidden',
  note_send: 'Add as it is',
  note_added: 'The note was added.',
  note_failed: 'The note was not added. Try again.',
  draft_saved: 'Draft saved',
  draft_unsaved: 'Draft not saved yet',
  failed_announced: 'Your message was not sent. You can try again.',
  hold_announced: 'Your message was not sent: it may identify a person. Please check the marked words.',
  typing: '{name} is writing',
  typing_someone: 'Somebody is writing',
  new: 'New messages',
  count_left: '{count} characters left',
  too_long: '{count} characters too many',
  empty: 'Write something first.',
  checked: 'Checked {date}',
  with: 'With {name}',
  and: 'and',
  waiting: 'Waiting for an advisor',
  advisor_here: 'An advisor is here',
  place_unknown: 'We are checking your place in the line.',
  place_next: 'You are next.',
  place: 'You are {ordinal} in the line.',
  wait_unknown: 'We cannot say yet how long it will take.',
  wait_short: 'Less than {high} minutes.',
  wait: 'About {low} to {high} minutes.',
  ended_closed: 'The conversation has ended. Nothing more can be sent.',
  ended_next: 'Transcript and what happens now',
  removed: 'This message was removed.',
  line_queued: 'Joined the line.',
  line_joined: '{name} joined.',
  line_left: '{name} left.',
  line_transferred: 'The conversation was handed over.',
  line_requeued: 'The conversation went back to the front of the line.',
  line_redacted: 'A message was removed.',
  line_ended: 'The conversation ended.',
  nhs_number: 'NHS number',
  national_insurance: 'National Insurance number',
  pnc: 'PNC number',
  cro: 'CRO number',
  prison_number: 'prison number',
  probation_crn: 'case reference',
  upn: 'pupil number',
  postcode: 'postcode',
  phone: 'phone number',
  email: 'email address',
  date_of_birth: 'date of birth',
  address: 'address',
  name: 'name',
  case_reference: 'case reference'
}

/**
 * @param {ParentNode} root
 * @returns {Words}
 */
export function readWords(root) {
  const own = new Map()
  const template = root.querySelector('#template-words') ?? document.querySelector('#template-words')
  if (template instanceof HTMLTemplateElement) {
    for (const element of template.content.querySelectorAll('[data-word]')) {
      own.set(element.getAttribute('data-word'), (element.textContent ?? '').trim())
    }
  }
  return (key, values = {}) => {
    const sentence = own.get(key) ?? ENGLISH[key] ?? key.replaceAll('_', ' ')
    return sentence.replace(/\{(\w+)\}/g, (/** @type {string} */ whole, /** @type {string} */ name) => String(values[name] ?? whole))
  }
}
