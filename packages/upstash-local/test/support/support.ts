import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import { Fault, UpstashLocal } from "../../src/index.js"

export interface Answer {
  readonly status: number
  readonly body: unknown
  readonly headers: Headers
}

/** One request, with the token unless other headers are given. Fails with the error of `fetch`. */
export const ask = (path: string, init: RequestInit = {}): Effect.Effect<Answer, unknown, UpstashLocal.UpstashLocal> =>
  Effect.gen(function* () {
    const { token, url } = yield* UpstashLocal.UpstashLocal
    const headers = { authorization: `Bearer ${Redacted.value(token)}`, ...init.headers }
    return yield* Effect.tryPromise({
      try: async (signal) => {
        const response = await fetch(url + path, { ...init, headers: init.headers ?? headers, signal })
        const text = await response.text()
        return { status: response.status, body: text === "" ? "" : JSON.parse(text), headers: response.headers }
      },
      catch: (error) => error
    })
  })

export const post = (path: string, json: unknown, headers?: Record<string, string>) =>
  Effect.flatMap(UpstashLocal.UpstashLocal, ({ token }) =>
    ask(path, {
      method: "POST",
      body: JSON.stringify(json),
      headers: { authorization: `Bearer ${Redacted.value(token)}`, ...headers }
    })
  )

/** One command in the body; its `{"result"}` or `{"error"}`. */
export const command = (...args: ReadonlyArray<unknown>) => Effect.map(post("/", args), ({ body }) => body)

/** What is answered where RESP2 is asked for. */
export const asBytes = (path: string, json: unknown, headers: Record<string, string> = {}) =>
  Effect.flatMap(UpstashLocal.UpstashLocal, ({ token, url }) =>
    Effect.promise(async () => {
      const response = await fetch(url + path, {
        method: "POST",
        body: JSON.stringify(json),
        headers: { authorization: `Bearer ${Redacted.value(token)}`, "Upstash-Response-Format": "resp2", ...headers }
      })
      return {
        status: response.status,
        type: response.headers.get("content-type"),
        syncToken: response.headers.get("upstash-sync-token"),
        text: Buffer.from(await response.arrayBuffer()).toString("latin1")
      }
    })
  )

/** Runs under a fault and takes it away again. */
export const under = <A, E, R>(fault: Fault.Fault, effect: Effect.Effect<A, E, R>) =>
  Effect.flatMap(UpstashLocal.UpstashLocal, ({ faults }) =>
    Effect.ensuring(Effect.zipRight(faults.set(fault), effect), faults.set(Fault.none))
  )

/** Waits, in real time, until a condition holds. */
export const until = <A, E, R>(effect: Effect.Effect<A, E, R>, holds: (a: A) => boolean): Effect.Effect<A, E, R> =>
  effect.pipe(
    Effect.flatMap((a) => (holds(a) ? Effect.succeed(a) : Effect.fail("not yet" as const))),
    Effect.retry({ while: (error) => error === "not yet", schedule: Schedule.spaced("2 millis") })
  ) as Effect.Effect<A, E, R>
