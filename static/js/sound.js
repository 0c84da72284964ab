/**
 * Two quiet notes, made by the browser itself. Off until the person asks for it,
 * which is also what lets the browser play at all.
 */

const NOTES = [659.3, 784]
const NOTE_S = 0.16
const VOLUME = 0.08
/** A sound that the browser lets through only so much later would tell of nothing. */
const LATE_MS = 1000

export class Sound {
  constructor() {
    this.isOn = false
    /** @type {AudioContext | null} */
    this._audio = null
  }

  /** @param {boolean} isOn */
  turn(isOn) {
    this.isOn = isOn
    if (isOn) this._audio ??= 'AudioContext' in globalThis ? new AudioContext() : null
  }

  /** Made before anybody has touched the page, it rests; the browser lets it begin once somebody has. */
  async play() {
    const { _audio: audio } = this
    if (!this.isOn || !audio) return
    const askedAt = Date.now()
    if (audio.state === 'suspended') await audio.resume()
    if (Date.now() - askedAt > LATE_MS) return
    NOTES.forEach((frequency, index) => this._note(audio, frequency, index * NOTE_S))
  }

  /**
   * @param {AudioContext} audio
   * @param {number} frequency
   * @param {number} afterS
   */
  _note(audio, frequency, afterS) {
    const startS = audio.currentTime + afterS
    const tone = audio.createOscillator()
    const gain = audio.createGain()
    tone.frequency.value = frequency
    gain.gain.setValueAtTime(VOLUME, startS)
    gain.gain.exponentialRampToValueAtTime(0.0001, startS + NOTE_S * 2)
    tone.connect(gain).connect(audio.destination)
    tone.start(startS)
    tone.stop(startS + NOTE_S * 2)
  }
}

/**
 * Binds a tick box `data-action="sound"` to the sound.
 *
 * @param {ParentNode} root
 * @param {Sound} sound
 */
export function attachSound(root, sound) {
  const box = root.querySelector('[data-action="sound"]')
  if (!(box instanceof HTMLInputElement)) return
  sound.turn(box.checked)
  box.addEventListener('change', () => {
    sound.turn(box.checked)
    sound.play()
  })
}
