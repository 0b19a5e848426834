/** Bearer tokens and `?_token=`. */
import * as Redacted from "effect/Redacted"
import { createHash, timingSafeEqual } from "node:crypto"
import type { Access } from "./permission.js"

export interface Tokens {
  readonly token: Redacted.Redacted
  readonly readOnlyToken: Redacted.Redacted | undefined
}

const digest = (text: string): Buffer => createHash("sha256").update(text).digest()

/**
 * Digests are compared, so that neither the length of a token nor how much of it was right shows in the time the
 * comparison takes; and each is compared, so that neither does which it was.
 */
export const make = ({ readOnlyToken, token }: Tokens) => {
  const full = digest(Redacted.value(token))
  const readOnly = readOnlyToken === undefined ? undefined : digest(Redacted.value(readOnlyToken))
  /** What the bearer may do; `undefined` for a stranger. */
  return (header: string | undefined, parameter: string | null): Access | undefined => {
    const given = header === undefined ? parameter : (/^bearer (.*)$/i.exec(header)?.[1] ?? null)
    if (given === null) return undefined
    const hash = digest(given)
    const isFull = timingSafeEqual(hash, full)
    const isReadOnly = readOnly !== undefined && timingSafeEqual(hash, readOnly)
    return isFull ? "Full" : isReadOnly ? "ReadOnly" : undefined
  }
}
