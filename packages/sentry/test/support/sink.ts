/**
 * A Sentry of our own: an HTTP server that takes envelopes on a port of its own, and says what it was sent.
 */
import type { Event } from "@sentry/node"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as http from "node:http"
import type { AddressInfo } from "node:net"
import { gunzipSync } from "node:zlib"
import { vi } from "vitest"

/** `Accept` answers 200, `Limit` answers 429 for errors, `Hang` never answers. */
export type Behaviour = "Accept" | "Limit" | "Hang"

export interface Envelope {
  readonly headers: { readonly trace?: { readonly trace_id?: string } }
  readonly items: ReadonlyArray<readonly [header: { readonly type: string }, payload: unknown]>
}

export interface Sink {
  readonly dsn: string
  /** The bodies, unpacked, as they came. */
  readonly bodies: Array<string>
  readonly packed: () => number
  readonly envelopes: () => ReadonlyArray<Envelope>
  readonly events: () => ReadonlyArray<Event>
  readonly clientReports: () => ReadonlyArray<unknown>
  readonly connections: () => number
  readonly behave: (behaviour: Behaviour) => void
  readonly clear: () => void
}

const parse = (body: string): Envelope => {
  const [headers = "{}", ...lines] = body.split("\n").filter((line) => line !== "")
  const items: Array<readonly [{ readonly type: string }, unknown]> = []
  for (let i = 0; i + 1 < lines.length; i += 2) items.push([JSON.parse(lines[i]!), JSON.parse(lines[i + 1]!)])
  return { headers: JSON.parse(headers), items }
}

const answer = {
  Accept: (response: http.ServerResponse) => response.end("{}"),
  Limit: (response: http.ServerResponse) =>
    response.writeHead(429, { "X-Sentry-Rate-Limits": "60:error:organization" }).end(),
  Hang: () => undefined
}

export const make = (first: Behaviour = "Accept"): Effect.Effect<Sink, never, Scope.Scope> =>
  Effect.gen(function* () {
    const bodies: Array<string> = []
    let behaviour = first
    let packed = 0
    let connections = 0

    const server = http.createServer((request, response) => {
      const chunks: Array<Buffer> = []
      request.on("data", (chunk: Buffer) => chunks.push(chunk))
      request.on("end", () => {
        const raw = Buffer.concat(chunks)
        const gzipped = request.headers["content-encoding"] === "gzip"
        if (gzipped) packed++
        if (request.url?.startsWith("/api/42/envelope/")) bodies.push((gzipped ? gunzipSync(raw) : raw).toString())
        answer[behaviour](response)
      })
    })
    server.on("connection", (socket) => {
      connections++
      socket.once("close", () => connections--)
    })

    yield* Effect.acquireRelease(
      Effect.async<void>((resume) => {
        server.listen(0, "127.0.0.1", () => resume(Effect.void))
      }),
      () =>
        Effect.async<void>((resume) => {
          server.close(() => resume(Effect.void))
          server.closeAllConnections()
        })
    )

    const envelopes = () => bodies.map(parse)
    const items = (type: string) =>
      envelopes()
        .flatMap((envelope) => envelope.items)
        .flatMap(([header, payload]) => (header.type === type ? [payload] : []))

    return {
      dsn: `http://publickey@127.0.0.1:${(server.address() as AddressInfo).port}/42`,
      bodies,
      packed: () => packed,
      envelopes,
      events: () => items("event") as ReadonlyArray<Event>,
      clientReports: () => items("client_report"),
      connections: () => connections,
      behave: (next) => {
        behaviour = next
      },
      clear: () => {
        bodies.length = 0
      }
    }
  })

/** Waits, in real time, until something holds. */
export const until = (condition: () => boolean): Effect.Effect<void> =>
  Effect.promise(() => vi.waitUntil(condition, { timeout: 10_000, interval: 5 })).pipe(Effect.asVoid)
