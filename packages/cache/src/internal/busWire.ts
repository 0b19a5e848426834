/**
 * What instances tell each other, as text: `<counter> <json>`. The counter is that of the store after the fence where
 * the store sends the message, inside the operation that let the fence fall, and `-` where it has none. Otherwise it is
 * the sender's own count of the fences it has told.
 *
 * The version of this form stands in the channel's name, so that releases that speak differently do not hear each other.
 */
import type { Counter } from "../Epoch.js"
import * as token from "./token.js"

export const version = 1

/**
 * Which instance speaks, and what it has let fall. `everything` names no names: all that was made before is suspect.
 */
export interface Fence {
  readonly _tag: "Fence"
  readonly origin: string
  /** `change`: somebody did something to what is stored, and nobody knows what. Only what is in memory ends. */
  readonly kind: "invalidate" | "expire" | "change"
  readonly keys: ReadonlyArray<string>
  readonly tags: ReadonlyArray<string>
  readonly everything: boolean
}

/** A sign of life, heard by the one who sent it: everything that was told before it has been heard. */
export interface Beat {
  readonly _tag: "Beat"
  readonly origin: string
  readonly number: number
}

export type Message = Fence | Beat

/** Who tells, and how many fences it has told by itself. */
export interface Sender {
  readonly origin: string
  told: number
}

export interface Heard {
  readonly counter: Counter | undefined
  readonly message: Message
}

/** More names than these are not worth naming: what is suspect is asked for below, and found there. */
const maximumNames = 500

/** The part after the counter. One line, whatever the names hold: `JSON.stringify` escapes line breaks. */
export const print = (message: Message): string => {
  if (message._tag === "Beat") return JSON.stringify({ o: message.origin, b: message.number })
  const { everything, keys, kind, origin, tags } = message
  const kindMark = kind === "expire" ? { s: 1 } : kind === "change" ? { c: 1 } : {}
  return JSON.stringify(
    everything || keys.length + tags.length > maximumNames
      ? { o: origin, a: 1, ...kindMark }
      : { o: origin, k: keys, t: tags, ...kindMark }
  )
}

/** A whole text, with the sender's own count. */
export const counted = (sender: Sender, message: Message): string => {
  if (message._tag === "Fence") sender.told += 1
  return `${token.printCounter({ era: sender.origin, n: sender.told })} ${print(message)}`
}

const isTexts = (value: unknown): value is ReadonlyArray<string> =>
  Array.isArray(value) && value.every((one) => typeof one === "string")

/** `undefined` for what no sender of this version wrote. */
export const parse = (text: string): Heard | undefined => {
  const space = text.indexOf(" ")
  const counter = token.parseCounter(text.slice(0, space))
  let body: unknown
  try {
    body = JSON.parse(text.slice(space + 1))
  } catch {
    return undefined
  }
  if (space < 0 || typeof body !== "object" || body === null) return undefined
  const { a, b, c, k = [], o, s, t = [] } = body as Record<string, unknown>
  if (typeof o !== "string") return undefined
  if (typeof b === "number") return { counter, message: { _tag: "Beat", origin: o, number: b } }
  if (!isTexts(k) || !isTexts(t)) return undefined
  const kind = s === 1 ? "expire" : c === 1 ? "change" : "invalidate"
  return { counter, message: { _tag: "Fence", origin: o, kind, keys: k, tags: t, everything: a === 1 } }
}
