/** Everything that is broken here: how, and how it is put right. */
import * as Fault from "@larder/upstash-local/Fault"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type { Client, Place } from "./Place.js"
import { Weather } from "./TcpProxy.js"

export interface Scenario {
  readonly name: string
  /** What happens, for people. */
  readonly what: string
  /** Which clients can meet it. */
  readonly clients: ReadonlyArray<Client>
  /** Whether the server is whole again as soon as it has happened. */
  readonly momentary: boolean
  /** Whether it stands for an outage of ten minutes, which pass faster. */
  readonly tenMinutes: boolean
  /** Whether the store takes part all the while: values come from it, and it acknowledges every flip at once. */
  readonly mild: boolean
  /** Breaks something; closing the scope puts it right. */
  readonly strike: (place: Place) => Effect.Effect<void, unknown, Scope.Scope>
  /** Whether it bit: a fault that nobody met shows nothing. Asked before it is put right. */
  readonly bit?: ((place: Place) => Effect.Effect<boolean>) | undefined
}

const both: ReadonlyArray<Client> = ["redis", "upstash"]

const lasting = (name: string, what: string, strike: Scenario["strike"], bit?: Scenario["bit"]): Scenario => ({
  name,
  what,
  clients: both,
  momentary: false,
  tenMinutes: false,
  mild: false,
  strike,
  bit
})

const between = (begin: Effect.Effect<unknown, unknown>, end: Effect.Effect<unknown, unknown>) =>
  Effect.asVoid(Effect.acquireRelease(begin, () => Effect.orDie(end)))

const again = (effect: Effect.Effect<unknown>) =>
  Effect.asVoid(Effect.forkScoped(Effect.repeat(effect, Schedule.spaced(200))))

const info = (place: Place, section: string) =>
  Effect.map(place.tell([["INFO", section]]), ([text]) => (name: string) => {
    const [, value] = new RegExp(`^${name}:(?:count=)?(\\d+)`, "m").exec(String(text)) ?? []
    return Number(value ?? 0)
  })

/** Whether the server has refused something with this code. */
const refusedWith = (code: string) => (place: Place) =>
  Effect.map(info(place, "errorstats"), (value) => value(`errorstat_${code}`) > 0)

const weather = (name: string, what: string, how: Weather) =>
  lasting(name, what, ({ far }) => between(far.set(how), far.set(Weather.Pass())))

const upstash = (name: string, what: string, fault: Fault.Fault): Scenario => ({
  ...lasting(name, what, ({ far }) => between(far.misbehave(fault), far.misbehave(Fault.none))),
  clients: ["upstash"]
})

const mild = (scenario: Scenario): Scenario => ({ ...scenario, mild: true })

const tenMinutes = (scenario: Scenario): Scenario => ({
  ...scenario,
  name: `${scenario.name}-10m`,
  what: `${scenario.what}: ten minutes of it, compressed`,
  tenMinutes: true
})

const secret = "changed"

const killed = lasting("killed", "the redis-server is killed, stays away, and comes back empty", ({ server }) =>
  between(server.stop, server.start)
)

const frozen = lasting("frozen", "the redis-server is stopped with SIGSTOP, and goes on with SIGCONT", ({ server }) =>
  between(server.suspend, server.resume)
)

export const all: ReadonlyArray<Scenario> = [
  killed,
  {
    ...lasting("restarted", "the redis-server is killed and started again at once, empty", ({ server }) =>
      Effect.zipRight(server.stop, server.start)
    ),
    momentary: true
  },
  frozen,
  mild(
    lasting(
      "full",
      "memory is full and nothing may be evicted: each growing write is refused with OOM",
      ({ tell }) => between(tell([["CONFIG", "SET", "maxmemory", "1"]]), tell([["CONFIG", "SET", "maxmemory", "0"]])),
      refusedWith("OOM")
    )
  ),
  mild(
    lasting(
      "evicting",
      "memory is full and any key is evicted for the next: values, epochs, leases, the counter",
      (place) =>
        Effect.gen(function* () {
          const used = (yield* info(place, "memory"))("used_memory")
          yield* between(
            place.tell([
              ["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"],
              ["CONFIG", "SET", "maxmemory", String(used - 30_000)]
            ]),
            place.tell([["CONFIG", "SET", "maxmemory", "0"]])
          )
          // Somebody else's data comes in, so that there is always something to be evicted for.
          let n = 0
          yield* again(
            Effect.suspend(() =>
              place.tell(
                Array.from({ length: 20 }, () => ["SET", `other:${n++}`, "x".repeat(1_000), "EX", "5"] as const)
              )
            )
          )
        }),
      (place) => Effect.map(info(place, "stats"), (value) => value("evicted_keys") > 0)
    )
  ),
  mild(lasting("flushed", "FLUSHALL, five times a second", ({ tell }) => again(tell([["FLUSHALL"]])))),
  mild(
    lasting(
      "scripts",
      "SCRIPT FLUSH, five times a second",
      ({ tell }) => again(tell([["SCRIPT", "FLUSH"]])),
      refusedWith("NOSCRIPT")
    )
  ),
  lasting(
    "password",
    "the password is changed and every connection closed, then it is changed back",
    ({ tell }) =>
      between(
        tell([
          ["CONFIG", "SET", "requirepass", secret],
          ["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]
        ]),
        tell([["CONFIG", "SET", "requirepass", ""]], secret)
      ),
    (place) =>
      Effect.map(place.tell([["INFO", "errorstats"]], secret), ([text]) => String(text).includes("errorstat_NOAUTH"))
  ),
  lasting(
    "demoted",
    "the server becomes a replica of one that is away: each write is refused with READONLY",
    ({ tell }) => between(tell([["REPLICAOF", "127.0.0.1", "1"]]), tell([["REPLICAOF", "NO", "ONE"]])),
    refusedWith("READONLY")
  ),
  mild(weather("slow", "each round trip takes 60 ms longer, within the time limit", Weather.Latency({ millis: 60 }))),
  weather("slower", "each round trip takes 600 ms longer, beyond the time limit", Weather.Latency({ millis: 600 })),
  weather("silent", "the network swallows everything, and delivers it at the end", Weather.Hold()),
  lasting("forgotten", "the connections that are open carry nothing any more; new ones work", ({ far }) =>
    Effect.zipRight(far.forget, again(far.forget))
  ),
  weather("refused", "connections are reset, and new ones refused", Weather.Refuse()),
  weather(
    "cut",
    "every connection ends in the middle of a reply, after 150, 300 or 600 bytes",
    Weather.Cut({ bytes: 150 })
  ),
  upstash("429", "the REST server answers 429", Fault.tooManyRequests),
  upstash("500", "the REST server answers 500", Fault.internalError),
  upstash("garbage", "the REST server answers 200 with a page of HTML", Fault.garbage()),
  upstash("hang", "the REST server accepts every request and never answers", Fault.hang),
  upstash("reset", "the REST server resets the connection of every request", Fault.reset),
  tenMinutes(killed),
  tenMinutes(frozen)
]
