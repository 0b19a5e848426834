/** What is checked of an address and a token before anything is sent, so that a mistake is not an outage. */
import * as ConfigError from "effect/ConfigError"
import * as Either from "effect/Either"
import * as Redacted from "effect/Redacted"

export interface Settings {
  /** Without a slash at its end. */
  readonly url: string
  /** Of the URL, for messages: a path may be a secret of a proxy's. */
  readonly host: string
  readonly token: Redacted.Redacted
}

/** What the two are called where they came from: options, or variables of the environment. */
export interface Names {
  readonly url: string
  readonly token: string
}

// Neither message repeats what it was given: a URL may hold a password, and the two are easily swapped.
const urlMessage = "expected the https:// URL of the database's REST API, without user, query or fragment"
const tokenMessage = "expected the token of the database's REST API: visible ASCII characters only"

const parse = (text: string): string | undefined => {
  if (!URL.canParse(text)) return undefined
  const { hash, href, password, search, username } = new URL(text)
  const url = href.replace(/\/+$/, "")
  // The vendor's own test, which throws an error with the URL in it.
  const isHttp = /^https?:\/\/[^\s#$./?].\S*$/.test(url)
  return isHttp && username + password + search + hash === "" ? url : undefined
}

/** White space around either is not part of it. */
export const make = (
  names: Names,
  url: string,
  token: Redacted.Redacted
): Either.Either<Settings, ConfigError.ConfigError> => {
  const usable = parse(url.trim())
  if (usable === undefined) return Either.left(ConfigError.InvalidData([names.url], urlMessage))
  const secret = Redacted.value(token).trim()
  if (!/^[\x21-\x7e]+$/.test(secret)) return Either.left(ConfigError.InvalidData([names.token], tokenMessage))
  return Either.right({ url: usable, host: new URL(usable).host, token: Redacted.make(secret) })
}
