/** Errors of `@upstash/redis` repeat the whole command with its values; ours repeat none of them. */
import { expect, layer } from "@effect/vitest"
import type { Command } from "@larder/cache/RedisClient"
import { describeWithRedis } from "@larder/testing/DescribeWithRedis"
import { Fault, UpstashLocal } from "@larder/upstash-local"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as FastCheck from "effect/FastCheck"
import { inspect } from "node:util"
import { layerWithServer, send } from "./support.js"

const secret = FastCheck.oneof(
  FastCheck.stringMatching(/^[a-z0-9]{12,24}$/),
  FastCheck.stringMatching(/^[A-Z]{12,24}$/),
  FastCheck.stringMatching(/^[A-Z]{3,6} [a-z]{12,24}$/)
)

/** Commands that Redis refuses, in ways that repeat their arguments. */
const failing: ReadonlyArray<(value: string) => Command> = [
  (value) => ["LPUSH", "text", value],
  (value) => ["NOSUCHCOMMAND", value],
  (value) => [value.replaceAll(" ", ""), "x"],
  (value) => ["SET", value, "x", value],
  (value) => ["EVAL", "return redis.error_reply(ARGV[1])", "0", value],
  (value) => ["EVAL", "error(ARGV[1])", "0", value],
  (value) => ["EVAL", `${value.replaceAll(" ", "")}(`, "0"],
  (value) => ["CONFIG", "SET", value, value],
  (value) => ["SUBSCRIBE", value],
  (value) => ["XREAD", "BLOCK", "0", "STREAMS", value, "$"]
]

const faults: ReadonlyArray<(value: string) => Fault.Fault> = [
  () => Fault.none,
  () => Fault.reset,
  () => Fault.internalError,
  () => Fault.tooManyRequests,
  (value) => Fault.status(500, value),
  (value) => Fault.status(400, `${value.toUpperCase()} no`),
  (value) => Fault.garbage(value),
  (value) => Fault.garbage(JSON.stringify({ error: value })),
  (value) => Fault.garbage(JSON.stringify({ result: { [value]: value } }))
]

/** Every way in which an error may come to be written down. */
const written = (error: Error): string =>
  [
    String(error),
    error.message,
    JSON.stringify(error),
    inspect(error, { depth: 10, showHidden: true }),
    Cause.pretty(Cause.fail(error), { renderErrorCause: true }),
    String(error.cause)
  ].join("\n")

describeWithRedis("traps of @upstash/redis / errors", () => {
  layer(layerWithServer, { excludeTestServices: true })((it) => {
    it.effect.prop(
      "no error holds a value, whatever was sent and however it failed",
      [secret, FastCheck.constantFrom(...failing), FastCheck.constantFrom(...faults), FastCheck.boolean()],
      ([value, command, fault, alone]) =>
        Effect.gen(function* () {
          const local = yield* UpstashLocal.UpstashLocal
          yield* send(["SET", "text", "text"])
          yield* local.faults.set(fault(value))
          const commands = alone
            ? [command(value)]
            : [["SET", "k", value] as const, command(value), ["GET", "k"] as const]
          const outcome = yield* Effect.either(send(...commands))
          yield* local.faults.set(Fault.none)
          const errors = Either.match(outcome, {
            onLeft: (error) => [error],
            onRight: (outcomes) => outcomes.flatMap((one) => (Either.isLeft(one) ? [one.left] : []))
          })
          expect(errors.length).toBeGreaterThan(0)
          for (const error of errors) {
            const text = written(error).toLowerCase()
            expect(text).not.toContain(value.toLowerCase())
            expect(text).not.toContain(value.split(" ").at(-1)!.toLowerCase())
            expect(error.cause).toBeUndefined()
          }
        }),
      { fastCheck: { numRuns: 150 } }
    )
  })
})
