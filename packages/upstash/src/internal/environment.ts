/**
 * Which store the environment asks for: one pure function of four variables, and whether a fifth is set.
 *
 * Half a configuration is an error: `Config.option` over both would make it silent memory. The two pairs are never
 * mixed: a token must not be sent to the host of another database. The first pair of which anything is set decides.
 */
import * as Config from "effect/Config"
import * as ConfigError from "effect/ConfigError"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Settings from "./settings.js"

/** Upstash's own names, then those that Vercel's integration sets. */
export const pairs = [
  { url: "UPSTASH_REDIS_REST_URL", token: "UPSTASH_REDIS_REST_TOKEN" },
  { url: "KV_REST_API_URL", token: "KV_REST_API_TOKEN" }
] as const satisfies ReadonlyArray<Settings.Names>

/** The address of a native Redis, which is not this package's; it is only said that it is not used. */
export const redisUrl = "REDIS_URL"

export type Choice = { readonly redisUrlIsSet: boolean } & (
  | { readonly _tag: "Memory" }
  | { readonly _tag: "Upstash"; readonly variables: Settings.Names; readonly settings: Settings.Settings }
)

const missing = (name: string, other: string): ConfigError.ConfigError =>
  ConfigError.MissingData([name], `expected ${name}, because ${other} is set: set both for Upstash, none for memory`)

/** `lookup` answers a variable's value, `undefined` where it is not set. Blank is not set. */
export const decide = (
  lookup: (name: string) => Redacted.Redacted | undefined
): Either.Either<Choice, ConfigError.ConfigError> => {
  const value = (name: string) => {
    const found = lookup(name)
    return found === undefined || Redacted.value(found).trim() === "" ? undefined : found
  }
  const redisUrlIsSet = value(redisUrl) !== undefined
  for (const names of pairs) {
    const url = value(names.url)
    const token = value(names.token)
    if (url === undefined && token === undefined) continue
    if (url === undefined) return Either.left(missing(names.url, names.token))
    if (token === undefined) return Either.left(missing(names.token, names.url))
    return Either.map(Settings.make(names, Redacted.value(url), token), (settings) => ({
      _tag: "Upstash",
      redisUrlIsSet,
      variables: names,
      settings
    }))
  }
  return Either.right({ _tag: "Memory", redisUrlIsSet })
}

/** The decision for the configuration at hand. */
export const choice: Effect.Effect<Choice, ConfigError.ConfigError> = Effect.gen(function* () {
  const values = new Map<string, Redacted.Redacted>()
  for (const name of [...pairs.flatMap((names) => [names.url, names.token]), redisUrl]) {
    const value = yield* Config.option(Config.redacted(name))
    if (Option.isSome(value)) values.set(name, value.value)
  }
  return yield* decide((name) => values.get(name))
})
