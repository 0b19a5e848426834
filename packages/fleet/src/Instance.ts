/** One process of the HTTP API, on a port that it keeps through its lives, and the client that asks it. */
import * as HttpApiClient from "@effect/platform/HttpApiClient"
import * as HttpClient from "@effect/platform/HttpClient"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import { Api } from "example-feature-flags/http/Api"
import * as Child from "./Child.js"
import * as Port from "./port.js"
import { schema, StartError } from "./Shared.js"

const client = (baseUrl: string) =>
  HttpApiClient.make(Api, {
    baseUrl,
    // A span for each request is nobody's here.
    transformClient: HttpClient.withTracerDisabledWhen(() => true)
  }).pipe(Effect.provide(NodeHttpClient.layerWithoutAgent))

export type Client = Effect.Effect.Success<ReturnType<typeof client>>

export interface Instance {
  readonly number: number
  readonly client: Client
  /** Its name in this life. */
  readonly life: () => string
  /** Whether requests are sent to it: it runs, frozen or not, and has said that it is ready. */
  readonly isUp: () => boolean
  /** The same, and not frozen. */
  readonly isWell: () => boolean
  readonly suspend: Effect.Effect<void>
  readonly resume: Effect.Effect<void>
  /** SIGKILL. */
  readonly kill: Effect.Effect<void>
  /** Starts a new life, after `kill`; ends when it is ready. */
  readonly start: Effect.Effect<void, StartError>
}

const startMillis = 60_000
const pollMillis = 50

export const make = (
  number: number,
  options: {
    readonly file: string
    readonly args: ReadonlyArray<string>
    readonly variables: Readonly<Record<string, string>>
  }
): Effect.Effect<Instance, StartError, Scope.Scope | NodeHttpClient.HttpAgent> =>
  Effect.gen(function* () {
    const scope = yield* Effect.scope
    const port = yield* Port.free
    const asking = yield* client(`http://127.0.0.1:${port}`)
    // PGlite takes ten connections in all.
    const args = ["--port", String(port), "--schema", schema, "--connections", "2", ...options.args]
    let lives = 0
    let ready = false
    let frozen = false
    let child: Child.Child | undefined

    const failed = () => new StartError({ message: `instance ${number} did not start. ${child?.said() ?? ""}`.trim() })
    const isReady = Effect.gen(function* () {
      if (child?.alive() !== true) return yield* failed()
      return yield* Effect.isSuccess(Effect.timeout(asking.health.health(), "2 seconds"))
    }).pipe(
      Effect.repeat({ until: (up) => up, schedule: Schedule.spaced(pollMillis) }),
      Effect.timeoutFail({ duration: startMillis, onTimeout: failed })
    )
    const start = Effect.gen(function* () {
      child = yield* Child.start({ file: options.file, args, variables: options.variables })
      lives += 1
      yield* isReady
      ready = true
    }).pipe(Scope.extend(scope))
    yield* start
    return {
      number,
      client: asking,
      life: () => `${number}.${lives}`,
      isUp: () => ready,
      isWell: () => ready && !frozen,
      suspend: Effect.suspend(() => ((frozen = true), child!.suspend)),
      resume: Effect.suspend(() => ((frozen = false), child!.resume)),
      kill: Effect.suspend(() => ((ready = false), child!.kill)),
      start
    }
  })
