/**
 * A client of Sentry that belongs to a scope: no globals, no integrations, and nothing of it left when it is closed.
 */
import { ConfigurationError } from "@larder/cache/CacheError"
import type { NodeOptions } from "@sentry/node"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as http from "node:http"
import * as https from "node:https"
import type { Options as ReporterOptions, ScopedOptions } from "../SentryReporter.js"
import type { Client, Sdk } from "./sdk.js"

type Options = Omit<ScopedOptions, keyof ReporterOptions>

// Zero means "for ever" to Sentry and to node:http, and both count in 31 bits.
const milliseconds = (given: Duration.DurationInput | undefined, otherwise: Duration.DurationInput): number =>
  Math.min(Math.max(Duration.toMillis(given ?? otherwise), 1), 2 ** 31 - 1)

// The SDK calls it with options only, and declares the status of a response more strictly than node does.
type HttpModule = NonNullable<NonNullable<NodeOptions["transportOptions"]>["httpModule"]>

/**
 * node:http, with an end to each request: the SDK's transport has no time limit of its own, so a server that never
 * answers would take the places of its queue for good, and keep the process alive.
 */
const boundedHttp = (timeoutMillis: number) => {
  const open = new Set<http.ClientRequest>()
  const request = (options: http.RequestOptions, callback?: (response: http.IncomingMessage) => void) => {
    const one = (options.protocol === "https:" ? https : http).request(options, callback)
    open.add(one)
    one.setTimeout(timeoutMillis, () => one.destroy(new Error("no answer in time")))
    one.once("close", () => open.delete(one))
    return one
  }
  return { module: { request } as HttpModule, destroy: () => open.forEach((one) => one.destroy()) }
}

const isDsn = (text: string): boolean =>
  Option.exists(
    Option.liftThrowable((text: string) => new URL(text))(text),
    (url) => /^https?:$/.test(url.protocol) && url.username !== "" && /\/\d+$/.test(url.pathname)
  )

/** No client for an empty DSN, as with Sentry's `init`. */
export const make = (sdk: Sdk, given: Options): Effect.Effect<Client | undefined, ConfigurationError, Scope.Scope> =>
  Effect.gen(function* () {
    const { closeTimeout, requestTimeout, ...options } = given
    const dsn = (Redacted.isRedacted(given.dsn) ? Redacted.value(given.dsn) : given.dsn).trim()
    if (dsn === "") return undefined
    if (!isDsn(dsn)) {
      return yield* new ConfigurationError({
        where: "SentryReporter.layerScoped: dsn",
        detail: "expected the form https://key@host/project"
      })
    }
    const transport = boundedHttp(milliseconds(requestTimeout, "10 seconds"))
    const acquire = Effect.sync(() => {
      const client = new sdk.NodeClient({
        sendClientReports: true,
        transport: sdk.makeNodeTransport,
        stackParser: sdk.defaultStackParser,
        // Hooks into the loading of modules; costs 250 ms and is global.
        enableRuntimeChannelInjection: false,
        ...options,
        dsn,
        integrations: [],
        transportOptions: { httpModule: transport.module, ...options.transportOptions }
      })
      client.startClientReportTracking()
      return client
    })
    return yield* Effect.acquireRelease(acquire, (client) =>
      Effect.promise(() => Promise.resolve(client.close(milliseconds(closeTimeout, "2 seconds")))).pipe(
        Effect.ensuring(Effect.sync(transport.destroy)),
        Effect.catchAllCause(() => Effect.void)
      )
    )
  })
