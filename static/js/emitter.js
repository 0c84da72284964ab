/** Lets others hear by name what happens in a part. */
export class Emitter {
  constructor() {
    /** @type {Map<string, Array<(detail: any) => void>>} */
    this._listeners = new Map()
  }

  /**
   * @param {string} name
   * @param {(detail: any) => void} listener
   */
  on(name, listener) {
    this._listeners.set(name, [...(this._listeners.get(name) ?? []), listener])
    return this
  }

  /**
   * @param {string} name
   * @param {any} detail
   */
  _emit(name, detail) {
    for (const listener of this._listeners.get(name) ?? []) listener(detail)
  }
}
