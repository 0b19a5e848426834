/**
 * One scenario on one client: a healthy while, a fault under load, its end, and what was seen of it. All of it on a
 * place of its own.
 */
import type * as Cache from "@larder/cache/Cache"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as Load from "example-feature-flags/Load"
import * as Organisation from "example-feature-flags/Organisation"
import { monitorEventLoopDelay } from "node:perf_hooks"
import * as Growth from "./Growth.js"
import * as Instance from "./Instance.js"
import * as Ledger from "./Ledger.js"
import * as Place from "./Place.js"
import type { Scenario } from "./Scenario.js"
import * as Traffic from "./Traffic.js"
import * as Truth from "./Truth.js"

export interface Pace {
  readonly healthySeconds: number
  readonly faultSeconds: number
  /** Calls a second, of both instances together. */
  readonly rate: number
  readonly flipEveryMillis: number
  /** How far away the database is: what a lookup takes at least. */
  readonly lookupMillis: number
  /** How many requests there are before they begin again. */
  readonly requests: number
  /** The limits of the cache, all by default. */
  readonly cache: Cache.Options
}

export interface Speed {
  readonly median: number
  readonly p99: number
  readonly max: number
}

export interface Result {
  readonly scenario: Scenario
  readonly client: Place.Client
  readonly calls: number
  readonly flips: number
  readonly wrong: number
  readonly failed: number
  readonly healthy: Speed
  readonly during: Speed
  /** Once it has recovered. */
  readonly after: Speed
  /** The longest that the event loop kept anybody waiting: what a call was late for no reason of the cache's. */
  readonly loopMillis: number
  readonly reports: number
  /** How often a circuit opened. */
  readonly opened: number
  /** Flips that the store did not acknowledge at once. */
  readonly unacknowledged: number
  /** The share of the calls during the fault that the store answered. */
  readonly hitShare: number
  /**
   * From the end of the fault until both instances had put values into the store and got some from there again, and
   * nothing was left to be replayed. `undefined`: not within the limit.
   */
  readonly recoveryMillis: number | undefined
  readonly recoveryLimitMillis: number
  /** After that, how many answers of either instance were not those of the database. */
  readonly disagreeing: number
  /** Which share of everything was looked up when it was asked for once more: leases of callers that are gone. */
  readonly lookedUpAgain: number
  /** What was held more at the end of the outage than before it, and after the recovery. */
  readonly growth: { readonly during: Growth.Held; readonly after: Growth.Held }
  /** Whether the fault was met at all. */
  readonly bit: boolean
}

const speed = (millis: ReadonlyArray<number>): Speed => ({
  median: Load.quantile(millis, 0.5),
  p99: Load.quantile(millis, 0.99),
  max: Load.quantile(millis, 1)
})

const seconds = (count: number) => Effect.sleep(count * 1_000)

/**
 * The longest that the store may be left alone after it is back. Pauses double from the first one: after `t` seconds
 * the last is no longer than some t / 0.75 and the first one, spread by a quarter. The time limit, a reconnection and
 * a replay of an invalidation come on top.
 */
const recoveryLimit = ({ cache, faultSeconds }: Pace): number => {
  const first = cache.breaker?.pauseMillis ?? 1_000
  const most = cache.breaker?.maximumPauseMillis ?? 30_000
  const replay = Math.min(30_000, 250 + (faultSeconds * 1_000) / 0.75)
  return 1.25 * Math.max(Math.min(most, first + (faultSeconds * 1_000) / 0.75), replay) + 2_500
}

const trial = (scenario: Scenario, client: Place.Client, pace: Pace, census: Growth.Census) =>
  Effect.gen(function* () {
    const organisation = yield* Organisation.make({ users: 300, organisations: 2 })
    const requests = yield* Load.make(organisation, pace.requests)
    const truth = Truth.make(organisation, { millis: pace.lookupMillis })
    const ledger = Ledger.make(truth)
    const place = yield* Place.make(client)
    const instances = [
      yield* Instance.make("first", truth, place.store, pace.cache),
      yield* Instance.make("second", truth, place.store, pace.cache)
    ] as const
    const traffic = yield* Traffic.make({ ...pace, requests, instances, truth, ledger })
    const total = (name: "hits" | "misses" | "reports" | "opened" | "unacknowledged") =>
      instances[0].counts[name] + instances[1].counts[name]

    yield* traffic.settle
    const healthy = Traffic.newWindow()
    traffic.into(healthy)
    yield* traffic.go
    yield* seconds(pace.healthySeconds)
    yield* traffic.pause
    const before = yield* census.held

    const during = Traffic.newWindow()
    const delay = monitorEventLoopDelay({ resolution: 5 })
    const hits = total("hits")
    const reports = total("reports")
    const opened = total("opened")
    const unacknowledged = total("unacknowledged")
    traffic.into(during)
    yield* traffic.go
    yield* Effect.sleep(100)
    delay.enable()
    const fault = yield* Scope.make()
    yield* Effect.addFinalizer((exit) => Scope.close(fault, exit))
    yield* Scope.extend(scenario.strike(place), fault)

    const limit = recoveryLimit(pace)
    const recovered = Effect.suspend(() => {
      const ended = performance.now()
      const isBack = () =>
        instances.every(
          ({ counts, pending }) => counts.lastHitMillis > ended && counts.lastStoredMillis > ended && pending.size === 0
        )
      return Effect.repeat(Effect.sleep(10), { until: isBack }).pipe(
        Effect.map(() => performance.now() - ended),
        Effect.timeoutTo({ duration: limit, onSuccess: (millis) => millis, onTimeout: () => undefined })
      )
    })
    const early = scenario.momentary ? yield* Effect.fork(recovered) : undefined
    yield* seconds(pace.faultSeconds)
    const bit = yield* scenario.bit?.(place) ?? Effect.succeed(true)
    yield* traffic.pause
    const held = yield* census.held
    const lost = total("unacknowledged") - unacknowledged
    const hitShare = during.millis.length === 0 ? 0 : (total("hits") - hits) / during.millis.length

    const after = Traffic.newWindow()
    yield* traffic.go
    yield* Effect.sleep(100)
    yield* Scope.close(fault, Exit.void)
    const recoveryMillis = yield* early === undefined ? recovered : Fiber.join(early)
    traffic.into(after)
    yield* seconds(pace.healthySeconds / 2)
    yield* traffic.pause
    delay.disable()
    const disagreeing = yield* traffic.settle
    const lookups = truth.lookups()
    const disagreeingAgain = yield* traffic.settle
    const lookedUpAgain = (truth.lookups() - lookups) / traffic.questions
    const left = yield* census.held

    const result: Result = {
      scenario,
      client,
      calls: healthy.millis.length + during.millis.length + after.millis.length,
      flips: healthy.flips + during.flips + after.flips,
      wrong: healthy.wrong + during.wrong + after.wrong,
      failed: healthy.failed + during.failed + after.failed,
      healthy: speed(healthy.millis),
      during: speed(during.millis),
      after: speed(after.millis),
      loopMillis: delay.max / 1e6,
      reports: total("reports") - reports,
      opened: total("opened") - opened,
      unacknowledged: lost,
      hitShare,
      recoveryMillis,
      recoveryLimitMillis: limit,
      disagreeing: disagreeing + disagreeingAgain,
      lookedUpAgain,
      growth: { during: Growth.since(before, held), after: Growth.since(before, left) },
      bit
    }
    return result
  })

/** Runs a scenario. */
export const run = (scenario: Scenario, client: Place.Client, pace: Pace) =>
  Effect.flatMap(Growth.make, (census) => census.watch(Effect.scoped(trial(scenario, client, pace, census))))
