/**
 * The store of a world: the real one in memory, behind a network of its own for each instance.
 *
 * What was sent arrives whether or not its sender still waits for the answer: a time limit ends the waiting, not the
 * work. So operations are carried out late, or twice, as on a server.
 */
import { StoreError } from "@larder/cache/CacheError"
import type { Counter } from "@larder/cache/Epoch"
import * as Store from "@larder/cache/Store"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import type { Chance } from "./chance.js"
import type { Owner, Timeline } from "./timeline.js"
import type { Operations, StoreFault } from "./words.js"
import { storeTimeoutMillis } from "./words.js"

type Service = Context.Tag.Service<Store.Store>
type Operation = "read" | "lease" | "fill" | "renew" | "release" | "invalidate" | "expire" | "capture" | "commit"

const kinds: Record<Operations, ReadonlyArray<Operation>> = {
  any: ["read", "lease", "fill", "renew", "release", "invalidate", "expire", "capture", "commit"],
  reads: ["read"],
  leases: ["lease", "renew", "release"],
  fills: ["fill"],
  fences: ["invalidate", "expire", "capture", "commit"]
}

interface Plan {
  readonly at: number | "all"
  readonly fault: StoreFault
  readonly on: ReadonlyArray<Operation>
  times: number
}

export interface WorldStore {
  /** The store as an instance sees it. */
  readonly seenBy: (instance: number, owner: Owner, carrier: object | undefined) => Service
  readonly set: (at: number | "all", fault: StoreFault, on: Operations, times: number) => void
  readonly heal: () => void
  readonly restart: (millis: number) => void
  readonly evict: (keys: number) => void
  /** The counter as it stands. */
  readonly counter: () => Counter
  /** An operation of nobody, at once. */
  readonly directly: <A>(operation: (store: Service) => Effect.Effect<A, StoreError>) => A
  /** Whether everything that was asked was answered, in time and once, since the world began. */
  readonly isHealthy: () => boolean
  readonly reads: () => number
  /** The shape under which a key was last asked for. */
  readonly shapeOf: (key: string) => string
  /** How many keys it holds at most. */
  readonly maximumKeys: number
}

const maximumKeys = 16
/**
 * How long a question or an answer is on its way; now and then it is slow, and nothing is wrong with that. In some worlds
 * it often is: then what was asked for first is answered last.
 */
const ways = (chance: Chance) => {
  const oneIn = chance.between(0, 1) === 0 ? 2 : 10
  return (): number => (chance.between(1, oneIn) === 1 ? chance.between(10, 90) : chance.between(0, 4))
}

export const make = (
  timeline: Timeline,
  chance: Chance,
  on: {
    readonly published: (text: string) => void
    /** A fence has fallen in the store: what was read before a moment is void. */
    readonly carriedOut: (request: Store.FenceRequest, isHard: boolean, moment: number) => void
    readonly fault: (kind: string) => void
  }
): WorldStore => {
  const server: Owner = { alive: true, alarms: 0 }
  const clock = timeline.clock(server, 0)
  const onTheWay = ways(chance)
  const build = (): Service =>
    Effect.runSync(
      Effect.scoped(Effect.map(Layer.build(Store.layerMemoryWith({ maximumKeys })), Context.get(Store.Store)))
    )
  let memory = build()
  let away = false
  let healthy = true
  let plans: Array<Plan> = []
  let fillers = 0
  let reads = 0
  const captured = new WeakMap<Store.Capture, number>()
  const shapes = new Map<string, string>()

  const run = <A>(effect: Effect.Effect<A, StoreError>): Exit.Exit<A, StoreError> =>
    Effect.runSyncExit(Effect.withClock(effect, clock))
  const directly = <A>(operation: (store: Service) => Effect.Effect<A, StoreError>): A =>
    Effect.runSync(Effect.withClock(operation(memory), clock))
  const counter = (): Counter =>
    directly((store) => store.read([{ key: "counter", shape: "", tags: [] }]))[0]!.epochs.counter!

  const faultFor = (instance: number, operation: Operation): StoreFault | undefined => {
    const plan = plans.find(({ at, on }) => (at === "all" || at === instance) && on.includes(operation))
    if (plan === undefined) return undefined
    plan.times -= 1
    if (plan.times === 0) plans = plans.filter((one) => one !== plan)
    on.fault(`store ${plan.fault}`)
    return plan.fault
  }

  /** Publishes what an operation announces, behind its work. */
  const tell = (announcement: Store.Announcement | undefined, now: Counter): void => {
    if (announcement !== undefined) on.published(`${now.era}-${now.n} ${announcement.text}`)
  }

  const through = <A>(
    instance: number,
    owner: Owner,
    operation: Operation,
    work: (store: Service) => Effect.Effect<A, StoreError>
  ): Effect.Effect<A, StoreError> =>
    Effect.async((resume) => {
      const failure = Exit.fail(
        new StoreError({ store: "world", operation, reason: "Unavailable", detail: "as was asked for" })
      )
      if (operation === "read") reads += 1
      const fault = faultFor(instance, operation)
      let waits = true
      const reply = (exit: Exit.Exit<A, StoreError>) =>
        void timeline.after(onTheWay(), owner, () => waits && resume(exit))
      const carryOut = () => (away ? failure : run(work(memory)))
      const asksMillis = onTheWay()
      if (fault === "refuses") reply(failure)
      else if (fault !== "vanishes") {
        const lateMillis = fault === "isLate" ? storeTimeoutMillis + chance.between(-100, 1_500) : 0
        timeline.after(asksMillis + lateMillis, server, () => {
          const exit = carryOut()
          if (fault === "deniesReply") reply(failure)
          else if (fault !== "losesReply") reply(exit)
        })
        if (fault === "happensTwice") timeline.after(asksMillis + chance.between(1, 500), server, () => void carryOut())
      }
      return Effect.sync(() => {
        waits = false
      })
    })

  const seenBy: WorldStore["seenBy"] = (instance, owner, carrier) => {
    const call = <A>(operation: Operation, work: (store: Service) => Effect.Effect<A, StoreError>) =>
      through(instance, owner, operation, work)
    const fence = (operation: "invalidate" | "expire") => (request: Store.FenceRequest) =>
      call(operation, (store) =>
        Effect.tap(store[operation](request), (now) =>
          Effect.sync(() => {
            on.carriedOut(request, operation === "invalidate", timeline.tick())
            tell(request.announcement, now)
          })
        )
      )
    return {
      name: "world",
      remote: true,
      carrier,
      read: (requests) => {
        for (const { key, shape } of requests) shapes.set(key, shape)
        return call("read", (store) => store.read(requests))
      },
      lease: (requests) => call("lease", (store) => store.lease(requests)),
      fill: (requests) => call("fill", (store) => store.fill(requests)),
      renew: (leases, millis) => call("renew", (store) => store.renew(leases, millis)),
      release: (leases) => call("release", (store) => store.release(leases)),
      capture: (request) =>
        call("capture", (store) =>
          Effect.tap(store.capture(request), (capture) => Effect.sync(() => captured.set(capture, timeline.tick())))
        ),
      invalidate: fence("invalidate"),
      expire: fence("expire"),
      commit: (request) =>
        call("commit", (store) =>
          Effect.tap(store.commit(request), (answer) =>
            Effect.sync(() => {
              // What is stored with it was read or written after its capture.
              const moment = captured.get(request.capture)
              const { key } = request.capture
              if (moment !== undefined) on.carriedOut({ keys: [{ key, shapes: [] }], tags: [] }, true, moment)
              tell(request.announcement, answer.counter)
            })
          )
        )
    }
  }

  return {
    seenBy,
    set: (at, fault, on, times) => {
      healthy = false
      plans.push({ at, fault, on: kinds[on], times })
    },
    heal: () => {
      plans = []
    },
    restart: (millis) => {
      healthy = false
      away = true
      on.fault("store restarted, emptied")
      memory = build()
      timeline.after(millis, server, () => {
        away = false
      })
    },
    evict: (keys) => {
      healthy = false
      on.fault("store evicts keys")
      const retainMillis = 60_000
      for (let i = 0; i < keys; i++) {
        const name = `filler.${fillers++}`
        const tags = [0, 1, 2, 3].map((j) => `${name}.${j}`)
        directly((store) => store.capture({ key: name, shape: "", tags, retainMillis }))
      }
    },
    counter,
    directly,
    isHealthy: () => healthy,
    reads: () => reads,
    shapeOf: (key) => shapes.get(key) ?? "",
    maximumKeys
  }
}
