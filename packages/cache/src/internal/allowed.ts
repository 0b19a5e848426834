/**
 * What an option may be. A rule takes the option's name and what was given, and answers that decided, or throws a
 * `ConfigurationError` that says what is allowed and what was given: options are written by whoever starts the program,
 * and hold no values of a cache.
 *
 * Types cannot say it: not that a time is no less than none, and nothing of what came from an environment.
 */
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import { ConfigurationError } from "../CacheError.js"

export type Rule<A> = (where: string, given: unknown) => A

const isBelowZero = (given: unknown): boolean =>
  typeof given === "number"
    ? !(given >= 0)
    : typeof given === "bigint"
      ? given < 0n
      : typeof given === "string"
        ? given.trim().startsWith("-")
        : Array.isArray(given) && given.some(isBelowZero)

/** Of a duration in any of its forms; `undefined` for what is none, also for less than none, which Effect would round. */
export const millisOf = (given: unknown): number | undefined =>
  isBelowZero(given) ? undefined : Option.getOrUndefined(Option.map(Duration.decodeUnknown(given), Duration.toMillis))

export const aDuration = (leastMillis: number): string =>
  `a duration such as "5 minutes", Duration.minutes(5) or a number of milliseconds, at least ${leastMillis}`

const written = (given: unknown): string => {
  if (typeof given === "string") return JSON.stringify(given.length > 50 ? `${given.slice(0, 50)}…` : given)
  if (Duration.isDuration(given)) return Duration.format(given)
  if (given === null) return "null"
  return typeof given === "object" || typeof given === "function" || typeof given === "symbol"
    ? Array.isArray(given)
      ? "a list"
      : `${typeof given === "object" ? "an" : "a"} ${typeof given}`
    : String(given)
}

export const refused = (where: string, expected: string, given: unknown): ConfigurationError =>
  new ConfigurationError({ where, detail: `expected ${expected}, got ${written(given)}` })

export const duration =
  (leastMillis: number): Rule<Duration.Duration> =>
  (where, given) => {
    const millis = millisOf(given)
    if (millis === undefined || millis < leastMillis) throw refused(where, aDuration(leastMillis), given)
    return Duration.millis(millis)
  }

export const number =
  (least: number, most = Infinity): Rule<number> =>
  (where, given) => {
    if (typeof given === "number" && given >= least && given <= most) return given
    throw refused(where, `a number from ${least}${most === Infinity ? "" : ` to ${most}`}`, given)
  }

/** `Infinity`, for no bound, is whole. */
export const whole =
  (least: number): Rule<number> =>
  (where, given) => {
    if (typeof given === "number" && given >= least && (given === Infinity || Number.isInteger(given))) return given
    throw refused(where, `a whole number, at least ${least}, or Infinity`, given)
  }

export const oneOf =
  <const A extends string>(...words: ReadonlyArray<A>): Rule<A> =>
  (where, given) => {
    const found = words.find((word) => word === given)
    if (found !== undefined) return found
    throw refused(where, `one of ${words.map((word) => `"${word}"`).join(", ")}`, given)
  }

export const boolean: Rule<boolean> = (where, given) => {
  if (typeof given === "boolean") return given
  throw refused(where, "true or false", given)
}

/** What a test cannot tell more of than that it looks like one. */
export const shaped =
  <A>(expected: string, isOne: (given: unknown) => boolean): Rule<A> =>
  (where, given) => {
    if (isOne(given)) return given as A
    throw refused(where, expected, given)
  }

/** One for each part of `A`, none forgotten and none too many. */
export type Rules<A> = { readonly [K in keyof A]-?: Rule<A[K]> }

export type Decided<R extends Readonly<Record<string, Rule<unknown>>>> = { readonly [K in keyof R]?: ReturnType<R[K]> }

/** What of an object there are rules for, as far as it was given. Its parts are named `where.part`. */
export const parts =
  <const R extends Readonly<Record<string, Rule<unknown>>>>(rules: R): Rule<Decided<R>> =>
  (where, given) => {
    if (typeof given !== "object" || given === null || Array.isArray(given)) {
      throw refused(where === "" ? "options" : where, `an object of ${Object.keys(rules).join(", ")}`, given)
    }
    const some = given as Readonly<Record<string, unknown>>
    const decided = Object.entries(rules).flatMap(([name, rule]) =>
      some[name] === undefined ? [] : [[name, rule(where === "" ? name : `${where}.${name}`, some[name])]]
    )
    return Object.fromEntries(decided) as Decided<R>
  }

const channel = parts({
  channel: shaped<string>("a text that is not empty", (given) => typeof given === "string" && given !== "")
})

/** The name of a bus that takes nothing else. */
export const channelOf = (options: { readonly channel?: string | undefined }): string =>
  channel("", options).channel ?? "larder"
