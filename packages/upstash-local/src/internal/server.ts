/** The HTTP server: counts, faults, and connections that end with it. */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import type * as HttpApp from "@effect/platform/HttpApp"
import * as HttpMiddleware from "@effect/platform/HttpMiddleware"
import type * as HttpServerError from "@effect/platform/HttpServerError"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Http from "node:http"
import * as Fault from "../Fault.js"

/** `close` waits for every connection to end: a request that hangs, or a subscription, would keep it for ever. */
class Server extends Http.Server {
  override close(callback?: (error?: Error) => void): this {
    super.close(callback)
    this.closeAllConnections()
    return this
  }
}

export interface Running {
  readonly port: number
  readonly setFault: (fault: Fault.Fault) => void
  readonly disconnect: () => void
}

export interface Options {
  readonly host: string
  readonly port: number
  readonly app: HttpApp.Default<never, Scope.Scope>
  readonly onRequest: () => void
  /** The client went away before it was answered to the end. */
  readonly onAbort: () => void
}

const meet = (fault: Fault.Fault, app: HttpApp.Default<never, Scope.Scope>): HttpApp.Default<never, Scope.Scope> =>
  Fault.match(fault, {
    None: () => app,
    // Not of the network: the app knows which of its servers lags.
    ReplicaLag: () => app,
    Latency: ({ duration }) => Effect.zipRight(Effect.sleep(duration), app),
    Status: ({ error, status }) => HttpServerResponse.unsafeJson({ error }, { status }),
    Garbage: ({ body }) => HttpServerResponse.text(body, { contentType: "text/html" }),
    Hang: () => Effect.never,
    Reset: () =>
      Effect.zipRight(
        Effect.map(HttpServerRequest.HttpServerRequest, (request) =>
          NodeHttpServerRequest.toIncomingMessage(request).socket.resetAndDestroy()
        ),
        Effect.never
      )
  })

export const make = (options: Options): Effect.Effect<Running, HttpServerError.ServeError, Scope.Scope> =>
  Effect.gen(function* () {
    let fault = Fault.none
    const node = new Server()
    const server = yield* NodeHttpServer.make(() => node, { host: options.host, port: options.port })

    const app: HttpApp.Default<never, Scope.Scope> = Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) => {
      options.onRequest()
      const current = fault
      const response = NodeHttpServerRequest.toServerResponse(request)
      if (current._tag !== "Reset") {
        response.once("close", () => {
          if (!response.writableFinished) options.onAbort()
        })
      }
      return meet(current, options.app)
    })
    // A program under a virtual clock talks to a server that lives in real time, and its spans are not the server's.
    yield* server
      .serve(Effect.withClock(app, Clock.make()))
      .pipe(Effect.locally(HttpMiddleware.currentTracerDisabledWhen, () => true))

    const address = server.address
    return {
      port: address._tag === "TcpAddress" ? address.port : options.port,
      setFault: (next) => {
        fault = next
      },
      disconnect: () => node.closeAllConnections()
    }
  })
