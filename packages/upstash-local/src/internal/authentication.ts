/** Bearer tokens and `?_token=`. */
import * as Redacted from "effect/Redacted"
import { createHash, timingSafeEqual } from "node:crypto"

const digest = (text: string): Buffer => createHash("sha256").update(text).digest()

/**
 * Digests are compared, so that neither the length of the token nor how much of it was right shows in the time the
 * comparison takes.
 */
export const make = (token: Redacted.Redacted): ((header: string | undefined, parameter: string | null) => boolean) => {
  const expected = digest(Redacted.value(token))
  return (header, parameter) => {
    const given = header === undefined ? parameter : (/^bearer (.*)$/i.exec(header)?.[1] ?? null)
    return given !== null && timingSafeEqual(digest(given), expected)
  }
}
