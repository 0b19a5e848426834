/** One history of a world, from its beginning to the end in which everything is whole again. */
import * as Cache from "@larder/cache/Cache"
import { InvalidationBus } from "@larder/cache/InvalidationBus"
import * as Reporter from "@larder/cache/Reporter"
import { Store } from "@larder/cache/Store"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Scope from "effect/Scope"
import * as Bus from "./bus.js"
import * as chances from "./chance.js"
import { end } from "./ending.js"
import * as Fences from "./fences.js"
import * as Judge from "./judge.js"
import { Key, type Life, Violation } from "./judge.js"
import type { Instance, Manner, Parts } from "./parts.js"
import * as Places from "./places.js"
import * as WorldStore from "./store.js"
import * as timelines from "./timeline.js"
import {
  type Id,
  ids,
  memoryEntries,
  memoryMillis,
  policies,
  type Policy,
  type Scenario,
  type Step,
  storeTimeoutMillis
} from "./words.js"

class DatabaseDown extends Data.TaggedError("DatabaseDown") {}

/** What a history came to. */
export interface History {
  readonly steps: number
  readonly answers: number
  readonly staleness: Judge.Staleness
  readonly faults: ReadonlyMap<string, number>
  /** How much time passed in it. */
  readonly millis: number
  /** What happened, for whoever looks into it. */
  readonly violation: Violation | undefined
}

/** How long a patient call waits for a lease. */
const patienceMillis = 90_000
/** The slowest lookup, and as much again for what it waited for. */
const lastAnswersSeconds = 20

export const run = (scenario: Scenario, log?: (line: string) => void): History => {
  const { setup, steps } = scenario
  const others = new Set(Fiber.unsafeRoots())
  const timeline = timelines.make()
  const chance = chances.make(setup.luck)
  const faults = new Map<string, number>()
  const fault = (kind: string): void => void faults.set(kind, (faults.get(kind) ?? 0) + 1)
  const note = (text: string): void => log?.(`${String(timeline.nowMillis()).padStart(7)} ms  ${text}`)
  const judge: Judge.Judge = Judge.make(timeline, setup, () => store.isHealthy())
  const lifeOf = (instance: number): Life => instances[instance]!.life
  const bus: Bus.WorldBus = Bus.make(timeline, chance, setup.instances, {
    disturbed: (instance) => judge.disturbed(lifeOf(instance)),
    cutOff: (instance) => judge.cutOff(lifeOf(instance)),
    fault
  })
  const store: WorldStore.WorldStore = WorldStore.make(timeline, chance, {
    published: bus.send,
    carriedOut: ({ everything, keys, tags }, isHard, moment) => {
      const names = keys.map(({ key }) => key)
      judge.carriedOut(everything === true ? ids : Judge.named(names, tags), isHard, moment)
    },
    fault
  })
  const newLife = (instance: number): Life => ({
    ...timelines.owner(),
    instance,
    aheadMillis: setup.skewMillis[instance] ?? 0,
    stands: false,
    disturbedTick: timeline.tick(),
    fences: new Map(),
    closes: false,
    waiting: 0,
    failedMillis: new Map()
  })
  const instances = Array.from({ length: setup.instances }, (_, instance): Instance => ({
    life: newLife(instance),
    journal: setup.kept ? Places.make(chance) : undefined,
    cache: undefined,
    scope: undefined
  }))

  const fork: Parts["fork"] = (life, effect) =>
    Effect.runFork(
      effect.pipe(
        Effect.withClock(timeline.clock(life, life.aheadMillis)),
        Effect.withRandom(Random.make(chance.fork()))
      ),
      { scheduler: timeline.scheduler(life) }
    )

  const options: Cache.Options = {
    memory: { timeToLive: memoryMillis, maximumEntries: memoryEntries },
    maximumPending: 2,
    leaseWait: setup.patient ? patienceMillis : 400,
    breaker: { maximumPauseMillis: 5_000 }
  }

  const start = (instance: Instance): void => {
    const { life } = instance
    const carrier = setup.carried ? bus.carrier : undefined
    const context = Context.empty().pipe(
      Context.add(Store, store.seenBy(life.instance, life, carrier)),
      Context.add(InvalidationBus, bus.seenBy(life.instance, life, setup.carried ? store.counter : undefined)),
      Context.add(Reporter.Reporter, { report: () => Effect.void })
    )
    const layer = Layer.provide(
      Cache.layerWithBus({ ...options, journal: instance.journal }),
      Layer.succeedContext(context)
    )
    fork(
      life,
      Effect.gen(function* () {
        const scope = yield* Scope.make()
        const built = yield* Layer.buildWithScope(layer, scope)
        yield* Effect.provide(
          Cache.listen((event) => {
            note(`${life.instance}: ${JSON.stringify(event)}`)
            judge.happened(life, event)
          }),
          Context.add(built, Scope.Scope, scope)
        )
        judge.restarted(life)
        instance.cache = Context.get(built, Cache.Cache)
        instance.scope = scope
      })
    )
    timeline.settle()
  }

  const database = new Map<Id, Manner>(ids.map((id) => [id, { before: 0, after: 2, fails: false }]))
  const policy: Policy = policies[setup.policy]
  const reading = { ...policy, tags: (): ReadonlyArray<string> => ["valued"] }

  /** Reads at one moment and answers at another, perhaps with a failure. */
  const lookup = (call: Judge.Call, id: Id, kind: "lookup" | "refresh" = "lookup") =>
    Effect.suspend(() => {
      const origin = judge.begin(call, id, kind)
      let failed = true
      return Effect.gen(function* () {
        const { after, before, fails } = database.get(id)!
        yield* Effect.sleep(before)
        judge.read(origin)
        yield* Effect.sleep(after)
        if (fails || database.get(id)!.fails) {
          fault("lookup fails")
          return yield* new DatabaseDown()
        }
        if (Judge.learns(id)) yield* Cache.addTags(Judge.learntTag)
        failed = false
        return origin.number
      }).pipe(Effect.ensuring(Effect.sync(() => judge.end(origin, failed))))
    })

  const get: Parts["get"] = ({ cache }, made, id) => cache!.getOrSet(Key(id), lookup(made, id), reading)

  const call: Parts["call"] = (life, asked, made, effect) => {
    life.waiting += 1
    const fiber = fork(life, effect)
    fiber.addObserver((exit) => {
      if (!life.alive) return
      life.waiting -= 1
      if (Exit.isSuccess(exit)) {
        note(`${life.instance}: answers ${asked.join(", ")} with ${exit.value.join(", ")}`)
        for (const [i, id] of asked.entries()) judge.answered(made, id, exit.value[i]!)
        return
      }
      note(`${life.instance}: a call for ${asked.join(", ")} failed`)
      const strange = [...Cause.failures(exit.cause), ...Cause.defects(exit.cause)].find(
        (failure) => !(failure instanceof DatabaseDown)
      )
      if (strange !== undefined)
        judge.violate(`a call failed with what is no failure of its lookup: ${String(strange)}`)
    })
    timeline.settle()
    return fiber
  }

  const fence = Fences.make({ database, fork, judge, note, policy, timeline })

  const stop = (instance: Instance, crashes: boolean, millis: number): void => {
    fault(crashes ? "instance crashes" : "instance is closed")
    const { life, scope } = instance
    instance.cache = undefined
    life.closes = true
    const begin = () => {
      life.alive = false
      instance.life = newLife(life.instance)
      start(instance)
    }
    if (crashes) life.alive = false
    else fork(life, Scope.close(scope!, Exit.void))
    timeline.after(millis, world, begin)
    timeline.settle()
  }
  const world = timelines.owner()

  const happen = ({ happening }: Step): void => {
    if (happening.do === "change") {
      judge.changed([happening.id])
    } else if (happening.do === "ask") {
      for (const at of instances.keys()) happen({ wait: 0, happening: { do: "get", at, id: happening.id } })
    } else if (happening.do === "database") {
      const { after, before, fails, id } = happening
      database.set(id, { before, after, fails })
    } else if (happening.do === "store") {
      const at = happening.at === "all" ? "all" : happening.at % setup.instances
      store.set(at, happening.fault, happening.on, happening.times)
    } else if (happening.do === "healStore") store.heal()
    else if (happening.do === "restartStore") store.restart(happening.millis)
    else if (happening.do === "evict") store.evict(happening.keys)
    else if (happening.do === "healBus") bus.heal()
    else {
      const instance = instances[happening.at % setup.instances]!
      const { cache, life } = instance
      if (happening.do === "bus") return bus.set(life.instance, happening.fault, happening.times)
      if (happening.do === "cut") return bus.cut(life.instance, happening.how)
      if (cache === undefined) return
      switch (happening.do) {
        case "get": {
          const { id, interrupted } = happening
          const made = judge.call(life, false)
          const fiber = call(
            life,
            [id],
            made,
            Effect.map(get(instance, made, id), (value) => [value])
          )
          if (interrupted !== undefined) {
            timeline.after(interrupted, life, () => fiber.unsafeInterruptAsFork(FiberId.none))
          }
          return
        }
        case "getMany": {
          const some = [happening.id, ...ids.filter((id) => id !== happening.id)].slice(0, 2)
          const made = judge.call(life, true)
          const many = cache.getMany(some, {
            key: Key,
            lookup: (missing) => {
              const began = judge.began()
              const all = Effect.forEach(missing, (id) => lookup(made, id), { concurrency: "unbounded" })
              // Values of a batch begin their time together, when the last one is there, and fail together.
              return Effect.onExit(all, (exit) => Effect.sync(() => judge.endAgain(life, began, Exit.isFailure(exit))))
            },
            policy: reading
          })
          return void call(life, some, made, many)
        }
        case "refresh": {
          const { id } = happening
          judge.overtakes(life, [id])
          const made = judge.call(life, false)
          const refresh = cache.refresh(Key(id), lookup(made, id, "refresh"), reading)
          const done = Effect.ensuring(
            Effect.map(refresh, (value) => [value]),
            Effect.sync(() => judge.overtakes(life, [id]))
          )
          return void call(life, [id], made, done)
        }
        case "fence":
          return fence(instance, happening.by, happening.id, happening.changes)
        case "crash":
        case "close":
          return stop(instance, happening.do === "crash", happening.millis)
      }
    }
  }

  /**
   * Ends what is still under way. The runtime keeps each fiber until it has ended, those of crashed instances too, and
   * whoever runs worlds for hours would run out of memory. Answers how many fibers never end.
   */
  const bury = (): number => {
    store.heal()
    bus.heal()
    timeline.revive()
    const left = () => Fiber.unsafeRoots().filter((fiber) => !others.has(fiber))
    for (let round = 0; round < 10; round++) {
      const some = new Set(left())
      if (some.size === 0) return 0
      // What cannot be interrupted waits for its time limit, and who watches that is not interrupted either.
      timeline.advance(2 * storeTimeoutMillis)
      for (const fiber of left()) if (some.has(fiber)) fiber.unsafeInterruptAsFork(FiberId.none)
      timeline.settle()
    }
    return left().length
  }

  let done = 0
  for (const instance of instances) start(instance)
  timeline.advance(100)
  for (const step of steps) {
    timeline.advance(step.wait)
    if (judge.violation() !== undefined) break
    note(JSON.stringify(step.happening))
    happen(step)
    judge.forget()
    done += 1
  }
  // Whoever still waits is answered while everything is as bad as it is: an answer is checked when it is there.
  const isAsked = () => judge.violation() === undefined && instances.some(({ life }) => life.waiting > 0)
  for (let i = 0; i < lastAnswersSeconds && isAsked(); i++) timeline.advance(1_000)
  // The end takes longer than most of what comes before it.
  if (judge.violation() === undefined && setup.ends) {
    end({ bus, call, database, fence, fork, get, instances, judge, note, policy, setup, store, timeline })
  }
  for (const { life } of instances) life.alive = false
  const history: History = {
    steps: done,
    answers: judge.checked(),
    staleness: { ...judge.staleness },
    faults: new Map(faults),
    millis: timeline.nowMillis(),
    violation: judge.violation()
  }
  const left = bury()
  if (left === 0 || history.violation !== undefined) return history
  return { ...history, violation: new Violation(`at ${history.millis} ms: ${left} fibers never end`) }
}
