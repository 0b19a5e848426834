import { type Command, RedisClient } from "@larder/cache/RedisClient"
import { UpstashLocal } from "@larder/upstash-local"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import * as Http from "node:http"
import type * as Net from "node:net"
import { UpstashClient } from "../src/index.js"

/** The client over a local server with a redis-server of its own; all three are in the layer. */
export const layerWithServer = Layer.effect(
  RedisClient,
  Effect.flatMap(UpstashLocal.UpstashLocal, ({ token, url }) => UpstashClient.make({ url, token }))
).pipe(Layer.provideMerge(UpstashLocal.layerWithRedis()))

export const send = (...commands: ReadonlyArray<Command>) =>
  Effect.flatMap(RedisClient, (client) => client.send(commands))

/** One command's result; its own failure in the error channel. */
export const run = (...command: Command) => Effect.flatMap(send(command), ([outcome]) => outcome!)

/** What its type forbids and JavaScript lets through. */
export const unbuildable = (value: unknown): Command => ["SET", "k", value as string]

/** Waits, in real time, until a condition holds. */
export const until = <A, E, R>(effect: Effect.Effect<A, E, R>, holds: (a: A) => boolean) =>
  Effect.repeat(effect, { until: holds, schedule: Schedule.spaced("2 millis") })

export interface Recorded {
  readonly url: string
  readonly headers: Http.IncomingHttpHeaders
  readonly body: string
}

/** An HTTP server that answers what it is told to and keeps what it was asked. */
export const recorder = (answer: (request: Recorded) => readonly [status: number, body: string]) =>
  Effect.gen(function* () {
    const requests: Array<Recorded> = []
    const server = Http.createServer((request, response) => {
      const chunks: Array<Buffer> = []
      request.on("data", (chunk: Buffer) => chunks.push(chunk))
      request.on("end", () => {
        const body = Buffer.concat(chunks).toString("utf8")
        const recorded = { url: request.url ?? "", headers: request.headers, body }
        requests.push(recorded)
        const [status, text] = answer(recorded)
        response.writeHead(status, { "upstash-sync-token": `token-${requests.length}` }).end(text)
      })
    })
    const url = yield* listen(server)
    const client = yield* UpstashClient.make({ url, token: Redacted.make("secret-token") })
    return { requests, client, url }
  })

/** Starts a server on a free port of the loopback; it ends with the scope, its connections included. */
export const listen = (server: Net.Server) =>
  Effect.acquireRelease(
    Effect.async<string>((resume) => {
      server.listen(0, "127.0.0.1", () => {
        resume(Effect.succeed(`http://127.0.0.1:${(server.address() as Net.AddressInfo).port}`))
      })
    }),
    () =>
      Effect.async<void>((resume) => {
        server.close(() => resume(Effect.void))
        if (server instanceof Http.Server) server.closeAllConnections()
      })
  )
