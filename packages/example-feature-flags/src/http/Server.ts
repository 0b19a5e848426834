/**
 * The API on a port, with `/docs` for people and `/openapi.json` for programs.
 *
 * When the layer ends, the server takes no connections any more and finishes the requests under way; each of these
 * answers closes its connection. A request that is not finished after `drainMillis` is cut off.
 */
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import { HttpApiDecodeError } from "@effect/platform/HttpApiError"
import * as HttpApiSwagger from "@effect/platform/HttpApiSwagger"
import * as HttpServer from "@effect/platform/HttpServer"
import { RequestError, type ServeError } from "@effect/platform/HttpServerError"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import type * as Cache from "@larder/cache/Cache"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Http from "node:http"
import type { Features } from "../Features.js"
import * as Doings from "./Doings.js"
import * as Handlers from "./Handlers.js"

export interface Options {
  readonly host: string
  /** 0 takes any free one. */
  readonly port: number
}

const drainMillis = 10_000
const pollMillis = 20

/** The responses that are not finished. */
const underWay = (server: Http.Server): ReadonlySet<Http.ServerResponse> => {
  const open = new Set<Http.ServerResponse>()
  server.prependListener("request", (_request, response) => {
    open.add(response)
    response.once("close", () => open.delete(response))
    // A connection that was kept for another request would keep a server that ends from ending.
    if (!server.listening) response.shouldKeepAlive = false
  })
  return open
}

const drain = (server: Http.Server, open: ReadonlySet<Http.ServerResponse>) =>
  Effect.gen(function* () {
    let closed = false
    server.close(() => (closed = true))
    for (const response of open) if (!response.headersSent) response.shouldKeepAlive = false
    // A race would not do: what ends a scope cannot be interrupted, nor can what it races.
    const look = Effect.zipRight(
      Effect.sync(() => server.closeIdleConnections()),
      Effect.sleep(pollMillis)
    )
    yield* Effect.repeat(look, { until: () => closed, times: drainMillis / pollMillis })
    server.closeAllConnections()
  })

/** Who opens the address that was printed finds something. */
const welcome = HttpApiBuilder.Router.use((router) => router.get("/", HttpServerResponse.redirect("/docs")))

/** A body that cannot be read is an empty 400 by default, and should say why as the schema does. */
const notJson = HttpApiBuilder.middleware(
  Effect.catchSomeDefect((defect) =>
    defect instanceof RequestError && defect.reason === "Decode"
      ? Option.some(Effect.die(new HttpApiDecodeError({ issues: [], message: "the body is not JSON" })))
      : Option.none()
  )
)

export const layer = (options: Options): Layer.Layer<HttpServer.HttpServer, ServeError, Features | Cache.Cache> =>
  Layer.scopedContext(
    Effect.gen(function* () {
      const server = Http.createServer()
      const open = underWay(server)
      const served = HttpApiBuilder.serve().pipe(
        Layer.provide([HttpApiSwagger.layer({ path: "/docs" }), HttpApiBuilder.middlewareOpenApi(), welcome, notJson]),
        Layer.provide(Handlers.layer),
        Layer.provide(Doings.layer),
        Layer.provideMerge(NodeHttpServer.layer(() => server, options))
      )
      const context = yield* Layer.build(served)
      // Ends before what was built above, whose end takes the handlers away.
      yield* Effect.addFinalizer(() => drain(server, open))
      return Context.make(HttpServer.HttpServer, Context.get(context, HttpServer.HttpServer))
    })
  )

/** `http://127.0.0.1:3000` */
export const url: Effect.Effect<string, never, HttpServer.HttpServer> = HttpServer.addressFormattedWith(Effect.succeed)
