/**
 * Which store the environment asks for: Upstash by the rule of `@larder/upstash`, which alone knows its variables, else
 * what `REDIS_URL` says, else memory.
 */
import { UpstashCache } from "@larder/upstash"
import * as Config from "effect/Config"
import type * as ConfigError from "effect/ConfigError"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Settings from "./settings.js"

export const variable = "REDIS_URL"

export interface Redis {
  readonly _tag: "Redis"
  readonly url: Redacted.Redacted
  readonly settings: Settings.Settings
}

export type Choice = UpstashCache.Choice | Redis

/** Blank is not set. */
const given = Effect.map(
  Config.option(Config.redacted(variable)),
  Option.filter((url) => Redacted.value(url).trim() !== "")
)

/** The decision for the configuration at hand. */
export const choice: Effect.Effect<Choice, ConfigError.ConfigError> = Effect.gen(function* () {
  const upstash = yield* UpstashCache.choice
  if (upstash._tag === "Upstash") return upstash
  const url = yield* given
  if (Option.isNone(url)) return upstash
  return { _tag: "Redis", url: url.value, settings: yield* Settings.make({ url: url.value }, variable) }
})
