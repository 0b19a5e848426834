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
import * as Judge from "./judge.js"
import { Key, type Life, Violation } from "./judge.js"
import * as WorldStore from "./store.js"
import * as timelines from "./timeline.js"
import {
  type Fence,
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

/** One instance of the program. */
interface Instance {
  life: Life
  cache: Cache.Cache["Type"] | undefined
  scope: Scope.CloseableScope | undefined
}

/** Whoever waits for longer in the end waits for ever: no pause between two attempts is as long. */
const longestMillis = 90_000
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
    cache: undefined,
    scope: undefined
  }))

  const fork = <A, E>(life: Life, effect: Effect.Effect<A, E>): Fiber.RuntimeFiber<A, E> =>
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
    leaseWait: setup.patient ? longestMillis : 400,
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
    const layer = Layer.provide(Cache.layerWithBus(options), Layer.succeedContext(context))
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
        instance.cache = Context.get(built, Cache.Cache)
        instance.scope = scope
      })
    )
    timeline.settle()
  }

  const database = new Map(ids.map((id) => [id, { before: 0, after: 2, fails: false }]))
  const policy: Policy = policies[setup.policy]
  const reading = { ...policy, tags: (): ReadonlyArray<string> => ["valued"] }
  const writing = (id: Id) => ({
    ...policy,
    tags: (): ReadonlyArray<string> => (Judge.learns(id) ? ["valued", Judge.learntTag] : ["valued"])
  })

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

  /** A call whose answers are checked. */
  const call = (
    life: Life,
    asked: ReadonlyArray<Id>,
    made: Judge.Call,
    effect: Effect.Effect<ReadonlyArray<number>, unknown>
  ): Fiber.RuntimeFiber<unknown, unknown> => {
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

  const isHard = (by: Fence) => by !== "expire" && by !== "expireTag"

  const fence = (instance: Instance, by: Fence, id: Id, changes: boolean): void => {
    const { life } = instance
    const cache = instance.cache!
    const some = Judge.touched(by, id)
    if (changes && by !== "writeThrough") judge.changed(some)
    const made = judge.call(life, false)
    const fence = judge.fenceBegins(life, some, isHard(by), `${by} of key ${id}`)
    let origin: Judge.Origin | undefined
    const writes = (kind: "set" | "write") => {
      if (kind === "write") judge.changed([id])
      origin = judge.begin(made, id, kind)
      judge.read(origin)
      return origin.number
    }
    const door = (): Effect.Effect<unknown, unknown> => {
      switch (by) {
        case "invalidate":
          return cache.invalidate(Key(id))
        case "declared":
          return cache.invalidateTags("both")
        case "learnt":
          return cache.invalidateTags(Judge.learntTag)
        case "prefix":
          return cache.clear({ prefix: "world" })
        case "expire":
          return cache.expire(Key(id))
        case "expireTag":
          return cache.expireTags("both")
        case "set":
          return cache.set(Key(id), writes("set"), writing(id))
        case "writeThrough": {
          const { before } = database.get(id)!
          const write = Effect.zipRight(
            Effect.sleep(before),
            Effect.sync(() => writes("write"))
          )
          return cache.writeThrough(Key(id), write, writing(id))
        }
      }
    }
    // `writeThrough` does not say whether the store took it: what the journal hides is replayed.
    let failed = false
    const fiber = fork(life, door())
    fiber.addObserver((exit) => {
      if (!life.alive) return
      if (origin !== undefined) judge.end(origin, false)
      failed = Exit.isFailure(exit)
      const acknowledged = !failed && by !== "writeThrough"
      note(
        `${life.instance}: ${by} of ${id} returned, ${acknowledged ? "acknowledged" : "not known to be acknowledged"}`
      )
      judge.fenceReturns(fence, acknowledged, by === "writeThrough" ? origin?.readTick : undefined)
    })
    timeline.settle()
  }

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
          const get = Effect.map(cache.getOrSet(Key(id), lookup(made, id), reading), (value) => [value])
          const fiber = call(life, [id], made, get)
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

  /** Everything is whole again and time has passed: nothing must be left of what was. */
  const end = (): void => {
    const wrong = (what: string) => judge.violate(`in the end ${what}`)
    store.heal()
    bus.heal()
    for (const id of ids) database.set(id, { before: 0, after: 1, fails: false })
    const since = timeline.nowMillis()
    const waitWhile = (isMissing: () => boolean): void => {
      while (isMissing() && timeline.nowMillis() < since + longestMillis) timeline.advance(3_000)
    }
    const isBusy = ({ cache, life }: Instance) =>
      cache === undefined || life.waiting > 0 || !life.stands || judge.runningOf(life) > 0
    waitWhile(() => instances.some(isBusy))
    // Until nothing that is stored may be answered by anybody's clock.
    const window = Math.max(policy.staleWhileRevalidate ?? 0, policy.staleIfError ?? 0)
    timeline.advance(policy.timeToLive + window + Math.max(...setup.skewMillis) - Math.min(...setup.skewMillis))
    for (const { life } of instances) {
      if (!life.stands) wrong(`instance ${life.instance} does not hear the bus`)
      if (life.waiting > 0) wrong(`${life.waiting} calls of instance ${life.instance} are still waiting`)
    }
    const current = (instance: Instance, id: Id): void => {
      const made = judge.call(instance.life, false)
      const { cache, life } = instance
      let number: number | undefined
      const answer = Effect.map(cache!.getOrSet(Key(id), lookup(made, id), reading), (value) => {
        number = value
        return [value]
      })
      call(life, [id], made, answer)
      timeline.advance(50)
      // A lease whose reply was lost stands until its time is over.
      const answered = () => number !== undefined
      for (let i = 0; i < 120 && !answered(); i++) timeline.advance(100)
      if (number === undefined) return wrong(`instance ${life.instance} does not answer key ${id}`)
      if (judge.versionAt(number) === judge.versionOf(id)) return
      wrong(`instance ${life.instance} answers an old value of key ${id}`)
    }
    for (const instance of instances) {
      if (instance.cache === undefined) return wrong(`instance ${instance.life.instance} is not there`)
      for (const id of ids) current(instance, id)
    }
    for (const instance of instances) {
      // From here on every value is of its own clock.
      fence(instance, "prefix", 0, false)
      timeline.advance(400)
      for (const id of ids) current(instance, id)
      const running = judge.runningOf(instance.life)
      if (running > 0) wrong(`${running} lookups of instance ${instance.life.instance} are still running`)
      // What is stored and hidden by nothing is found: in the end the journal is empty.
      const finds = (id: Id): boolean => {
        let found = false
        const look = Effect.map(instance.cache!.get(Key(id)), (one) => {
          found = one._tag === "Some"
        })
        fork(instance.life, look)
        timeline.advance(250)
        return found
      }
      for (const id of ids) {
        let found = false
        waitWhile(() => {
          found = finds(id)
          if (found) return false
          current(instance, id)
          found = finds(id)
          return !found
        })
        if (!found) wrong(`instance ${instance.life.instance} does not find key ${id}`)
      }
      // What is in memory is neither read nor, while a recall hides it, looked up.
      const [reads, lookups] = [store.reads(), judge.began()]
      for (const id of ids) current(instance, id)
      const held = ids.length - Math.max(store.reads() - reads, judge.began() - lookups)
      if (held > memoryEntries) wrong(`instance ${instance.life.instance} holds ${held} values in memory`)
    }
    for (const id of ids) {
      const request = { key: Key(id).id, shape: store.shapeOf(Key(id).id), tags: [], leaseMillis: 1, retainMillis: 1 }
      const [answer] = store.directly((memory) => memory.lease([request]))
      if (answer?._tag === "Busy") wrong(`a lease of key ${id} is held`)
    }
    for (const { life, scope } of instances) {
      fork(life, Scope.close(scope!, Exit.void))
      timeline.advance(1_000)
      if (life.alarms > 0) wrong(`${life.alarms} fibers of instance ${life.instance} still wait for their time`)
    }
    if (bus.subscriptions() > 0) wrong(`${bus.subscriptions()} subscriptions are left`)
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
  if (judge.violation() === undefined && setup.ends) end()
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
