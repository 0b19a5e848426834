import { StoreError } from "@larder/cache/CacheError"
import * as Reporter from "@larder/cache/Reporter"
import * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import type * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"

/** What no event, no line and no answer may hold. */
export const canary = "CANARY-d41d8cd9"

export class NotFound extends Data.TaggedError("NotFound")<{ readonly id: number }> {}

/** As a driver raises it: statement and parameters in fields, the row in the message of the cause. */
export class SqlError extends Error {
  readonly _tag = "SqlError"
  readonly query = `select * from users where email = '${canary}'`
  readonly params = [canary, { nested: canary }]
  constructor() {
    super(`Failed to execute statement with ${canary}`, {
      cause: Object.assign(new RangeError(`duplicate key (email)=(${canary})`, { cause: { detail: canary } }), {
        detail: canary,
        parameters: [canary]
      })
    })
  }
}

export const storeError = () =>
  new StoreError({ store: "upstash", operation: "read", reason: "Timeout", detail: "no answer in 250 ms" })

/** A swallowed failure of the store, changed as told. */
export const failure = (change: Partial<Reporter.CacheFailure> = {}): Reporter.CacheFailure => ({
  kind: "Store",
  cache: "features",
  operation: "read",
  surfaced: false,
  cause: Cause.fail(storeError()),
  ...change
})

export const report = (change: Partial<Reporter.CacheFailure> = {}) =>
  Effect.flatMap(Reporter.Reporter, (reporter) => reporter.report(failure(change)))

export interface Line {
  readonly text: string
  readonly annotations: Record<string, unknown>
}

/** A logger that keeps its lines in place of the default one. */
export const captureLog = (lines: Array<Line>): Layer.Layer<never> =>
  Logger.replace(
    Logger.defaultLogger,
    Logger.make<unknown, void>(({ annotations, message }) => {
      const text = Array.isArray(message) ? message.join(" ") : String(message)
      lines.push({ text, annotations: Object.fromEntries(HashMap.entries(annotations)) })
    })
  )
