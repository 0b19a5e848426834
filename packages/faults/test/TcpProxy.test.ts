import { describe, expect, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Net from "node:net"
import * as TcpProxy from "../src/TcpProxy.js"

/** A server that answers every byte with the same one. */
const echo = Effect.map(
  Effect.acquireRelease(
    Effect.async<Net.Server>((resume) => {
      const server = Net.createServer((socket) => void socket.on("error", () => {}).pipe(socket))
      server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) => Effect.sync(() => server.close())
  ),
  (server) => ({ port: (server.address() as Net.AddressInfo).port })
)

interface Caller {
  readonly say: (text: string) => Effect.Effect<void>
  /** Waits for a text to have come. */
  readonly hears: (text: string) => Effect.Effect<void>
  readonly heard: () => string
  readonly ended: Effect.Effect<void>
}

const call = (port: number) =>
  Effect.gen(function* () {
    let heard = ""
    let open = true
    const socket = yield* Effect.acquireRelease(
      Effect.sync(() => Net.connect(port, "127.0.0.1")),
      (socket) => Effect.sync(() => socket.destroy())
    )
    socket.on("error", () => {})
    socket.on("data", (data) => (heard += data.toString()))
    socket.on("close", () => (open = false))
    const until = (condition: () => boolean) => Effect.asVoid(Effect.repeat(Effect.sleep(2), { until: condition }))
    return {
      say: (text) => Effect.sync(() => void socket.write(text)),
      hears: (text) => until(() => heard === text),
      heard: () => heard,
      ended: until(() => !open)
    } satisfies Caller
  })

const world = Effect.flatMap(echo, TcpProxy.make)

describe("TcpProxy", () => {
  it.scopedLive("carries bytes both ways", () =>
    Effect.gen(function* () {
      const proxy = yield* world
      const caller = yield* call(proxy.port)
      yield* caller.say("hello")
      yield* caller.hears("hello")
    })
  )

  it.scopedLive("what is late comes late, once a round trip, and in order", () =>
    Effect.gen(function* () {
      const proxy = yield* world
      const caller = yield* call(proxy.port)
      yield* proxy.set(TcpProxy.Weather.Latency({ millis: 120 }))
      const [took] = yield* Effect.timed(
        Effect.all([caller.say("a"), Effect.sleep(10), caller.say("b"), caller.hears("ab")])
      )
      expect(Duration.toMillis(took)).toBeGreaterThan(115)
    })
  )

  it.scopedLive("what is held comes when it is let go, on new connections too", () =>
    Effect.gen(function* () {
      const proxy = yield* world
      yield* proxy.set(TcpProxy.Weather.Hold())
      const caller = yield* call(proxy.port)
      yield* caller.say("hello")
      yield* Effect.sleep(50)
      expect(caller.heard()).toBe("")
      yield* proxy.set(TcpProxy.Weather.Pass())
      yield* caller.hears("hello")
    })
  )

  it.scopedLive("refuses, and resets what is open; afterwards it listens on the same port", () =>
    Effect.gen(function* () {
      const proxy = yield* world
      const before = yield* call(proxy.port)
      yield* before.say("a")
      yield* before.hears("a")
      yield* proxy.set(TcpProxy.Weather.Refuse())
      yield* before.ended
      const meanwhile = yield* call(proxy.port)
      yield* meanwhile.ended
      yield* proxy.set(TcpProxy.Weather.Pass())
      const after = yield* call(proxy.port)
      yield* after.say("b")
      yield* after.hears("b")
    })
  )

  it.scopedLive("cuts a reply after so many bytes, the next one after twice as many", () =>
    Effect.gen(function* () {
      const proxy = yield* world
      yield* proxy.set(TcpProxy.Weather.Cut({ bytes: 3 }))
      for (const heard of ["hel", "hello ", "hello world!"]) {
        const caller = yield* call(proxy.port)
        yield* caller.say("hello world!!")
        yield* caller.ended
        expect(caller.heard()).toBe(heard)
      }
    })
  )

  it.scopedLive("a connection that is forgotten stays open and silent for ever; a new one works", () =>
    Effect.gen(function* () {
      const proxy = yield* world
      const old = yield* call(proxy.port)
      yield* old.say("a")
      yield* old.hears("a")
      yield* proxy.forget
      yield* proxy.set(TcpProxy.Weather.Pass())
      yield* old.say("b")
      const next = yield* call(proxy.port)
      yield* next.say("c")
      yield* next.hears("c")
      expect(old.heard()).toBe("a")
      expect(yield* proxy.connections).toBe(2)
    })
  )
})
