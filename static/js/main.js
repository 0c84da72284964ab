/**
 * Starts the behaviour of a page: every element with `data-module="name"` gets
 * the default export of ./name.js, called with the element. A module that cannot
 * be loaded or throws is reported in the console and stops nothing else; the
 * page works without any of them. Content that a module has put into the page is
 * started when it says so with a `dutyline:content` event on the new element.
 */

import { createAll, Button, CharacterCount, Checkboxes, ErrorSummary, ExitThisPage, Radios, SkipLink } from '../dist/js/govuk/govuk-frontend.js'

const GOVUK_COMPONENTS = [Button, CharacterCount, Checkboxes, ErrorSummary, ExitThisPage, Radios, SkipLink]

/** @param {string} name */
const isOurs = (name) => /^[a-z][a-z_]*$/.test(name)

/** @param {Element} element */
async function attach(element) {
  const name = element.getAttribute('data-module') ?? ''
  if (!isOurs(name)) return
  try {
    const module = await import(`./${name}.js`)
    await module.default(element)
  } catch (problem) {
    console.error(`The module ${name} did not start.`, problem)
  }
}

/** @param {Document | HTMLElement} root */
function attachAll(root) {
  for (const component of GOVUK_COMPONENTS) {
    createAll(component, {}, { scope: root, onError: (problem) => console.error(problem) })
  }
  const own = root instanceof HTMLElement && root.matches('[data-module]') ? [root] : []
  for (const element of [...own, ...root.querySelectorAll('[data-module]')]) attach(element)
}

// GOV.UK Frontend starts its components only where this class says that modules run.
document.body.classList.add('js-enabled', 'govuk-frontend-supported')
attachAll(document)
document.addEventListener('dutyline:content', (event) => {
  if (event.target instanceof HTMLElement) attachAll(event.target)
})
