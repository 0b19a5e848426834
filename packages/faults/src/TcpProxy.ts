/**
 * The network between a client and a server, as a TCP proxy that can be broken while it runs. It knows no protocol:
 * it sees connections and bytes.
 *
 * It listens on the loopback and ends with its scope, every connection included. It lives in real time.
 */
import * as Clock from "effect/Clock"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Net from "node:net"

/**
 * - `Pass`: works.
 * - `Latency`: what goes towards the server waits so long, so that each round trip pays it once.
 * - `Hold`: bytes are taken and delivered when the fault ends; new connections are accepted and held as well.
 * - `Refuse`: open connections are reset, and nobody listens.
 * - `Cut`: each connection ends in the middle of a reply: after `bytes` bytes from the server, then after twice as
 *   many on the next one, up to four times, and again from the start.
 */
export type Weather = Data.TaggedEnum<{
  Pass: {}
  Latency: { readonly millis: number }
  Hold: {}
  Refuse: {}
  Cut: { readonly bytes: number }
}>

export const Weather = Data.taggedEnum<Weather>()

export interface TcpProxy {
  readonly host: string
  readonly port: number
  /** What connections meet from now on, those that are open too. */
  readonly set: (weather: Weather) => Effect.Effect<void>
  /**
   * Connections that are open now stay open and carry nothing ever again, whatever is set later; new ones work. So
   * does a firewall that has forgotten them.
   */
  readonly forget: Effect.Effect<void>
  /** How many clients are connected now. */
  readonly connections: Effect.Effect<number>
}

const host = "127.0.0.1"

interface Chunk {
  readonly bytes: Buffer
  readonly dueMillis: number
}

/** One connection: a socket on each side, and a line of chunks in each direction. */
interface Pair {
  readonly near: Net.Socket
  readonly far: Net.Socket
  /** How many bytes of replies may still pass before it is cut. */
  allowance: number
  silent: boolean
}

export const make = (target: { readonly port: number }): Effect.Effect<TcpProxy, never, Scope.Scope> =>
  Effect.gen(function* () {
    const run = yield* FiberSet.makeRuntime<never, void, never>()
    const pairs = new Set<Pair>()
    const waiting = new Set<() => void>()
    let weather: Weather = Weather.Pass()
    let accepted = 0

    /** Ends when bytes may pass. */
    const open = Effect.suspend(() =>
      weather._tag !== "Hold"
        ? Effect.void
        : Effect.async<void>((resume) => {
            const wake = () => resume(Effect.void)
            waiting.add(wake)
            return Effect.sync(() => waiting.delete(wake))
          })
    )

    const reset = (pair: Pair) => {
      pair.near.resetAndDestroy()
      pair.far.destroy()
    }

    const write = (pair: Pair, to: Net.Socket, bytes: Buffer) => {
      if (pair.silent || to.destroyed) return
      if (to === pair.near && weather._tag === "Cut") {
        const some = bytes.subarray(0, pair.allowance)
        pair.allowance -= some.length
        if (pair.allowance <= 0) {
          // Ended, not reset: a reset would overtake the half of the reply.
          to.end(some, () => pair.far.destroy())
          return
        }
      }
      to.write(bytes)
    }

    /** Carries chunks in their order, each when it is due and the way is open. */
    const carry = (pair: Pair, from: Net.Socket, to: Net.Socket) =>
      Effect.gen(function* () {
        const line = yield* Queue.unbounded<Chunk>()
        from.on("data", (bytes: Buffer) => {
          const delay = weather._tag === "Latency" && from === pair.near ? weather.millis : 0
          line.unsafeOffer({ bytes, dueMillis: performance.now() + delay })
        })
        yield* Effect.raceFirst(
          Effect.forever(
            Effect.gen(function* () {
              const { bytes, dueMillis } = yield* Queue.take(line)
              const early = dueMillis - performance.now()
              if (early > 0) yield* Effect.sleep(early)
              yield* open
              write(pair, to, bytes)
            })
          ),
          Effect.async<void>((resume) => {
            if (from.destroyed) resume(Effect.void)
            else from.once("close", () => resume(Effect.void))
          })
        )
      })

    const accept = (near: Net.Socket) => {
      const far = Net.connect(target.port, host)
      const bytes = weather._tag === "Cut" ? weather.bytes : 0
      const pair: Pair = { near, far, allowance: bytes * 2 ** (accepted++ % 3), silent: false }
      pairs.add(pair)
      for (const [one, other] of [
        [near, far],
        [far, near]
      ] as const) {
        one.setNoDelay(true)
        one.on("error", () => {})
        one.once("close", () => {
          pairs.delete(pair)
          // A connection that was forgotten does not learn that the other end is gone.
          if (!pair.silent || one === near) other.destroy()
        })
      }
      run(Effect.withClock(carry(pair, near, far), Clock.make()))
      run(Effect.withClock(carry(pair, far, near), Clock.make()))
    }

    const server = Net.createServer(accept)
    const listen = (port: number) =>
      Effect.async<number>((resume) => {
        server.once("error", (error) => resume(Effect.die(error)))
        server.listen(port, host, () => resume(Effect.succeed((server.address() as Net.AddressInfo).port)))
      })
    const close = Effect.async<void>((resume) => {
      for (const pair of pairs) reset(pair)
      if (!server.listening) return resume(Effect.void)
      server.close(() => resume(Effect.void))
    })
    const port = yield* Effect.acquireRelease(listen(0), () => close)

    return {
      host,
      port,
      set: (next) =>
        Effect.gen(function* () {
          weather = next
          if (next._tag === "Cut") for (const pair of pairs) pair.allowance = next.bytes
          if (next._tag !== "Hold") for (const wake of waiting) wake()
          if (next._tag === "Refuse") return yield* close
          if (!server.listening) yield* listen(port)
        }),
      forget: Effect.sync(() => {
        for (const pair of pairs) pair.silent = true
      }),
      connections: Effect.sync(() => pairs.size)
    }
  })
