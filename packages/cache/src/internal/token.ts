/**
 * Tokens: what epochs, leases and stored values are named by. A token is `era-n-nonce`.
 *
 * The nonce comes from the platform's CSPRNG, one for every execution of an operation, so that a token that was lost,
 * evicted or forgotten is never made a second time. Letters and digits only: `-` and `.` separate the halves of an
 * epoch, white space the fields of a stored frame.
 */
import type { Counter } from "../Epoch.js"

/** Crockford's base 32: sixteen of these are 80 bits. */
const alphabet = "0123456789abcdefghjkmnpqrstvwxyz"
const nonceLength = 16

// Asking the platform for sixteen bytes costs a microsecond, asking for 4096 hardly more.
const pool = new Uint8Array(4096)
let used = pool.length

/** Sixteen random letters and digits. */
export const nonce = (): string => {
  if (used + nonceLength > pool.length) {
    globalThis.crypto.getRandomValues(pool)
    used = 0
  }
  let text = ""
  for (let i = 0; i < nonceLength; i++) text += alphabet[pool[used++]! & 31]
  return text
}

/** The token of one execution at this count of fences. */
export const make = (counter: Counter, nonce: string): string => `${counter.era}-${counter.n}-${nonce}`

/** A counter that no store had before. */
export const freshCounter = (): Counter => ({ era: nonce(), n: 0 })

/** `era-n`, as it stands in a store that keeps text. */
export const printCounter = (counter: Counter): string => `${counter.era}-${counter.n}`

/** `undefined` when the text is not a counter: it is then as good as lost. */
export const parseCounter = (text: string): Counter | undefined => {
  const match = /^([0-9a-z]+)-([0-9]{1,15})$/.exec(text)
  return match === null ? undefined : { era: match[1]!, n: Number(match[2]) }
}
