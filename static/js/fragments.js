/**
 * Copies of the page's own templates. A script fills text into their slots and
 * never makes markup of its own.
 */

/**
 * @param {ParentNode} root
 * @param {string} name As in `<template id="template-{name}">`.
 * @returns {HTMLElement}
 */
export function cloneTemplate(root, name) {
  const id = `template-${name}`
  const template = root.querySelector(`#${id}`) ?? document.getElementById(id)
  if (!(template instanceof HTMLTemplateElement)) throw new Error(`the page has no ${id}`)
  const copy = template.content.firstElementChild?.cloneNode(true)
  if (!(copy instanceof HTMLElement)) throw new Error(`${id} is empty`)
  return copy
}

/**
 * @param {ParentNode} root
 * @param {string} name
 * @returns {HTMLElement | null}
 */
export function slot(root, name) {
  return root.querySelector(`[data-slot="${name}"]`)
}

/**
 * @param {ParentNode} root
 * @param {string} name
 * @param {string | number} text
 */
export function fill(root, name, text) {
  const element = slot(root, name)
  if (element && element.textContent !== String(text)) element.textContent = String(text)
}

/**
 * A plain element with text, for what no template holds.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {string} className
 * @param {string} [text]
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function element(tag, className, text = '') {
  const made = document.createElement(tag)
  if (className) made.className = className
  made.textContent = text
  return made
}
