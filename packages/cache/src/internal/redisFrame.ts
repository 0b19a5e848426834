/**
 * The frame in which a value lies in Redis: a line of ASCII, then the bytes.
 *
 *     L1u era-4-nonce era-3-nonce team:1=era-2-nonce,team:2=era-2-nonce.era-3-nonce\n<bytes>
 *     │││ id          epoch of key tags with their epochs
 *     ││└ how the bytes are written: `u` UTF-8 as it is, `b` base64, `r` raw bytes that are no UTF-8
 *     │└ version
 *     └ ours
 *
 * Scripts write it (`redisScripts`), since they alone know the epochs of learnt tags; this module reads it. A client
 * that speaks only text cannot send or receive raw bytes, so it writes base64 where the bytes are no text, and takes
 * what a `bytes` client wrote raw for malformed.
 */
import * as Encoding from "effect/Encoding"
import type { Stamps } from "../Epoch.js"
import type { Reply } from "../RedisClient.js"

// `ignoreBOM` keeps a byte order mark; the default drops it, and the value would come back shorter.
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
const lenient = new TextDecoder("utf-8", { ignoreBOM: true })
const utf8 = new TextEncoder()

/** How the bytes of a value go into a command. */
export interface Payload {
  readonly encoding: "u" | "b" | "r"
  readonly content: string | Uint8Array
}

export const payload = (bytes: Uint8Array, client: "text" | "bytes"): Payload => {
  let text: string | undefined
  try {
    text = strict.decode(bytes)
  } catch {
    // Not UTF-8: the decoder has no other way to say so.
  }
  // Copied: the command may wait in the client while the caller goes on with its buffer. And not by `slice`, which
  // Node's `Buffer` overrides with one that shares its memory.
  if (client === "bytes") return { encoding: text === undefined ? "r" : "u", content: new Uint8Array(bytes) }
  return text === undefined
    ? { encoding: "b", content: Encoding.encodeBase64(bytes) }
    : { encoding: "u", content: text }
}

/** A tag's name as it stands in a frame: ASCII without the characters that separate. */
export const encodeTag = (tag: string): string =>
  // Half a surrogate pair is no character; in UTF-8, and so in the name of the tag's key, it becomes U+FFFD as well.
  encodeURIComponent(tag.replace(/\p{Surrogate}/gu, "\ufffd"))

/** What a frame says, with bytes that nobody else holds; `undefined` when it is none of ours, or cut off. */
export interface Framed {
  readonly id: string
  readonly stamps: Stamps
  readonly bytes: Uint8Array
}

const header = /^L1([ubr]) ([^ ]+) ([^ ]+) ([^ ]*)$/

const parseTags = (text: string): Stamps["tags"] | undefined => {
  if (text === "") return []
  const tags: Array<readonly [string, string]> = []
  for (const part of text.split(",")) {
    const at = part.indexOf("=")
    if (at < 0 || at === part.length - 1) return undefined
    try {
      tags.push([decodeURIComponent(part.slice(0, at)), part.slice(at + 1)])
    } catch {
      return undefined
    }
  }
  return tags
}

const bytesOf = (encoding: string, body: string | Uint8Array): Uint8Array | undefined => {
  if (encoding === "b") {
    const text = typeof body === "string" ? body : lenient.decode(body)
    const decoded = Encoding.decodeBase64(text)
    return decoded._tag === "Right" ? decoded.right : undefined
  }
  if (typeof body !== "string") return new Uint8Array(body)
  return encoding === "u" ? utf8.encode(body) : undefined
}

export const parse = (reply: string | Uint8Array): Framed | undefined => {
  const end = typeof reply === "string" ? reply.indexOf("\n") : reply.indexOf(10)
  if (end < 0) return undefined
  const line = typeof reply === "string" ? reply.slice(0, end) : lenient.decode(reply.subarray(0, end))
  const match = header.exec(line)
  if (match === null) return undefined
  const tags = parseTags(match[4]!)
  const body = typeof reply === "string" ? reply.slice(end + 1) : reply.subarray(end + 1)
  const bytes = tags === undefined ? undefined : bytesOf(match[1]!, body)
  return bytes === undefined ? undefined : { id: match[2]!, stamps: { key: match[3]!, tags: tags! }, bytes }
}

/** A reply that should be text; `undefined` when it is none. */
export const text = (reply: Reply | undefined): string | undefined =>
  typeof reply === "string" ? reply : reply instanceof Uint8Array ? lenient.decode(reply) : undefined
