/**
 * What may be answered.
 *
 * Every value names the lookup or the write it comes from, so for each answer it is known when it was read. An answer
 * that was read before a fence began is wrong when its call started
 *
 * - after the fence returned on the same instance, acknowledged or not;
 * - after another instance heard of it, or noticed that it may have missed something;
 * - after another instance has had it acknowledged, and the time that a message takes, or, while messages to this
 *   instance are disturbed, the time to live of its values in memory, has passed.
 *
 * Where the journals of instances have places, what returned in one life of an instance holds in the next ones too, and
 * so does a write that has happened and whose end nobody saw, from the moment in which the next life begins.
 *
 * In any case it must be within its own time by the clock of whoever answers it, or in a window of its policy.
 */
import type { CacheEvent } from "@larder/cache/CacheEvent"
import * as CacheKey from "@larder/cache/CacheKey"
import * as Schema from "effect/Schema"
import type { Owner, Timeline } from "./timeline.js"
import { busMillis, type Fence, type Id, ids, memoryMillis, policies, type Policy, type Setup } from "./words.js"

export const Key = CacheKey.make({
  prefix: "world",
  key: (id: Id) => [id === 2 ? "two" : "some", id],
  schema: Schema.Number,
  tags: (id) => [id === 2 ? "odd one" : "both"]
})

export const learntTag = "learnt"
/** Keys whose lookups learn a tag. */
export const learns = (id: Id): boolean => id > 0

const namesOf = new Map(
  ids.map((id) => [id, new Set([Key(id).id, ...Key(id).tags, ...(learns(id) ? [CacheKey.userTag(learntTag)] : [])])])
)

/** The keys that a fence touches. */
export const touched = (by: Fence, id: Id): ReadonlyArray<Id> => {
  if (by === "declared" || by === "expireTag") return [0, 1]
  if (by === "learnt") return [1, 2]
  return by === "prefix" ? ids : [id]
}

/** The keys that carry one of these names. */
export const named = (keys: ReadonlyArray<string>, tags: ReadonlyArray<string>): ReadonlyArray<Id> =>
  ids.filter((id) => keys.some((key) => namesOf.get(id)!.has(key)) || tags.some((tag) => namesOf.get(id)!.has(tag)))

/** One life of an instance. */
export interface Life extends Owner {
  readonly instance: number
  readonly aheadMillis: number
  /** Whether it has heard its first beat, and nothing has disturbed it since. */
  stands: boolean
  disturbedTick: number
  /** Fences on each key that it knows of, by count. */
  readonly fences: Map<Id, number>
  /** Whether it is being closed: then calls look up by themselves. */
  closes: boolean
  /** How many of its calls have not been answered. */
  waiting: number
  /** When the last lookup of a key failed. */
  readonly failedMillis: Map<Id, number>
}

/** Where a value comes from. */
export interface Origin {
  readonly number: number
  readonly id: Id
  readonly kind: "lookup" | "refresh" | "set" | "write"
  readonly life: Life
  readonly many: boolean
  readonly call: Call
  version: number
  readTick: number
  readMillis: number
  endedTick: number
  endedMillis: number
}

interface Fenced {
  readonly life: Life
  readonly ids: ReadonlyArray<Id>
  readonly isHard: boolean
  readonly what: string
  /** Whether it fell here, and was not only heard of. */
  readonly own: boolean
  /** What was read before this is older. */
  markTick: number
  readonly beganTick: number
  endedTick: number
  endedMillis: number
  acknowledged: boolean
  /** Whether the source has been written by what is to be followed by this fence, however it ends. */
  written: boolean
}

export interface Call {
  readonly life: Life
  readonly many: boolean
  readonly startTick: number
  readonly startMillis: number
  readonly knownFences: ReadonlyMap<Id, number>
  readonly knownAnywhere: ReadonlyMap<Id, number>
  /** Whether its instance heard the others when it started. */
  readonly stood: boolean
}

export class Violation extends Error {
  override readonly name = "Violation"
}

/** How old the oldest answers were, in milliseconds, by what bounds them. */
export interface Staleness {
  /** After an invalidation was acknowledged elsewhere, while messages arrived as they should. */
  heard: number
  /** After an invalidation was acknowledged elsewhere, while messages were lost, late or cut off. */
  missed: number
  /** After the database changed and nobody said so: past the change, within the time to live and its windows. */
  untold: number
  /** After an expiry, or the end of its time, in a window of the policy. */
  window: number
}

const never = Infinity

export const make = (timeline: Timeline, setup: Setup, storeIsHealthy: () => boolean) => {
  const policy: Policy = policies[setup.policy]
  const hasWindows = policy.staleWhileRevalidate !== undefined || policy.staleIfError !== undefined
  const origins: Array<Origin> = []
  const running = new Set<Origin>()
  let fenced: Array<Fenced> = []
  const versions = new Map<Id, Array<number>>(ids.map((id) => [id, [0]]))
  /** When the last fence on each key was carried out by the store. */
  const lastHard = new Map<Id, number>()
  const lastSoft = new Map<Id, number>()
  const anywhere = new Map<Id, number>()
  const staleness: Staleness = { heard: 0, missed: 0, untold: 0, window: 0 }
  let checked = 0
  /** Whether no message has gone astray yet: after one, what was invalidated lately is hidden for a while. */
  let isWhole = true

  const add = (map: Map<Id, number>, some: ReadonlyArray<Id>): void => {
    for (const id of some) map.set(id, (map.get(id) ?? 0) + 1)
  }
  const know = (life: Life, some: ReadonlyArray<Id>): void => {
    add(life.fences, some)
    add(anywhere, some)
  }
  let violation: Violation | undefined
  /** The first thing that is wrong is the one that is told. */
  const violate = (what: string): void => {
    violation ??= new Violation(`at ${timeline.nowMillis()} ms: ${what}`)
  }
  /** Whether this instance has let it fall itself, in this life or in one that it remembers. */
  const isOwn = ({ life: its, own }: Fenced, life: Life): boolean =>
    its === life || (setup.kept && own && its.instance === life.instance)
  const where = (life: Life) => `instance ${life.instance}`
  const tellOrigin = (origin: Origin) =>
    `key ${origin.id}, version ${origin.version}, read at ${origin.readMillis} ms by a ${origin.kind} of ${where(origin.life)}`

  /** Whether neither the call of a lookup that runs nor another one has met a fence. A batch learns for all its keys. */
  const isSame = (
    running: Origin,
    call: Call,
    id: Id,
    known: (call: Call) => ReadonlyMap<Id, number>,
    current: ReadonlyMap<Id, number>
  ): boolean =>
    (running.many || call.many ? ids : [id]).every((one) => {
      const now = current.get(one) ?? 0
      return (known(running.call).get(one) ?? 0) === now && (known(call).get(one) ?? 0) === now
    })

  const checkFences = (call: Call, origin: Origin): void => {
    const { life } = call
    for (const fence of fenced) {
      if (origin.readTick >= fence.markTick || call.startTick < fence.endedTick || !fence.ids.includes(origin.id)) {
        continue
      }
      if (!fence.isHard && hasWindows) continue
      // A value that is handed over is as new as its capture, wherever between its beginning and its end that was.
      if (origin.kind === "set" && origin.endedTick > fence.beganTick) continue
      const lag = call.startMillis - fence.endedMillis
      const tale = `${tellOrigin(origin)}, was answered by ${where(life)} to a call of ${call.startMillis} ms`
      const cause = `${fence.what} of ${where(fence.life)} returned at ${fence.endedMillis} ms`
      if (isOwn(fence, life)) return violate(`${tale}, although its own ${cause}`)
      if (!fence.acknowledged) continue
      const calm = call.stood && life.stands && life.disturbedTick < fence.beganTick
      if (calm ? lag > busMillis : lag >= memoryMillis) {
        return violate(`${tale}, although ${cause}${calm ? ", and nothing disturbs the bus" : ""}`)
      }
      if (calm) staleness.heard = Math.max(staleness.heard, lag)
      else staleness.missed = Math.max(staleness.missed, lag)
    }
  }

  const checkTime = (call: Call, origin: Origin): void => {
    const { life } = call
    const atMillis = call.many ? call.startMillis : timeline.nowMillis()
    const createdMillis = Math.min(origin.endedMillis, timeline.nowMillis()) + origin.life.aheadMillis
    const past = atMillis + life.aheadMillis - createdMillis - policy.timeToLive
    const next = versions.get(origin.id)![origin.version + 1]
    const untold = next === undefined ? 0 : Math.max(0, atMillis - next)
    if (past < 0) {
      staleness.untold = Math.max(staleness.untold, untold)
      return
    }
    staleness.window = Math.max(staleness.window, past)
    // What stands in is decided on when it is answered: also a fence that fell while its call waited forbids it.
    const forbids = fenced.find(
      (fence) =>
        isOwn(fence, life) &&
        fence.isHard &&
        fence.own &&
        fence.ids.includes(origin.id) &&
        fence.endedMillis < atMillis &&
        origin.readTick < fence.markTick &&
        origin.kind === "lookup"
    )
    if (forbids !== undefined) {
      violate(
        `${tellOrigin(origin)}, stood in on ${where(life)} although ${forbids.what} returned at ${forbids.endedMillis} ms`
      )
    }
    if (past < (policy.staleWhileRevalidate ?? 0)) return
    if (past < (policy.staleIfError ?? 0)) {
      const waited = timeline.nowMillis() - call.startMillis
      const failed = life.failedMillis.get(origin.id) ?? -never
      if (waited >= (policy.softTimeout ?? never) || failed >= call.startMillis - (policy.errorBackoff ?? 0)) return
    }
    violate(`${tellOrigin(origin)}, was answered by ${where(life)} ${past} ms after its time`)
  }

  return {
    staleness,
    violate,
    violation: () => violation,
    checked: () => checked,
    call: (life: Life, many: boolean): Call => ({
      life,
      many,
      startTick: timeline.tick(),
      startMillis: timeline.nowMillis(),
      knownFences: new Map(life.fences),
      knownAnywhere: new Map(anywhere),
      stood: life.stands
    }),
    answered: (call: Call, id: Id, number: number): void => {
      checked += 1
      const origin = origins[number]
      if (origin === undefined || origin.id !== id || origin.readTick === 0) {
        return violate(`key ${id} was answered ${number}, which nobody looked up for it`)
      }
      checkFences(call, origin)
      checkTime(call, origin)
    },
    changed: (some: ReadonlyArray<Id>): void => {
      for (const id of some) versions.get(id)!.push(timeline.nowMillis())
    },
    versionOf: (id: Id): number => versions.get(id)!.length - 1,
    /** The version that a value is of. */
    versionAt: (number: number): number => origins[number]!.version,
    /** A lookup or a write begins; what it reads is told by `read`. */
    begin: (call: Call, id: Id, kind: Origin["kind"]): Origin => {
      const { life } = call
      const origin: Origin = {
        number: origins.length,
        id,
        kind,
        life,
        many: call.many,
        call,
        version: -1,
        readTick: 0,
        readMillis: 0,
        endedTick: never,
        endedMillis: never
      }
      origins.push(origin)
      if (kind !== "lookup") return origin
      for (const other of running) {
        if (other.id !== id || !other.life.alive || other.life.closes || life.closes) continue
        // Either may have waited for a lease before it looked up.
        const beganMillis = Math.min(other.call.startMillis, call.startMillis)
        const isUnheard = !setup.carried || !isWhole || !storeIsHealthy()
        if (isUnheard && timeline.nowMillis() - beganMillis >= memoryMillis) continue
        if (other.life === life) {
          const same = isSame(other, call, id, (one) => one.knownFences, life.fences)
          if (same) violate(`key ${id} is looked up by ${where(life)} while it looks it up already`)
        } else if (setup.patient && isWhole && storeIsHealthy() && !call.many && !other.many) {
          const same = isSame(other, call, id, (one) => one.knownAnywhere, anywhere)
          if (same) violate(`key ${id} is looked up by ${where(life)} while ${where(other.life)} looks it up`)
        }
      }
      running.add(origin)
      return origin
    },
    read: (origin: Origin): void => {
      origin.version = versions.get(origin.id)!.length - 1
      origin.readTick = timeline.tick()
      origin.readMillis = timeline.nowMillis()
    },
    end: (origin: Origin, failed: boolean): void => {
      running.delete(origin)
      origin.endedTick = timeline.tick()
      origin.endedMillis = timeline.nowMillis()
      if (failed) origin.life.failedMillis.set(origin.id, origin.endedMillis)
    },
    began: (): number => origins.length,
    /** Everything that this instance has begun since then, and ended, ends only now. */
    endAgain: (life: Life, since: number, failed: boolean): void => {
      for (const origin of origins.slice(since)) {
        if (origin.life !== life || !origin.many || origin.endedTick === never) continue
        origin.endedMillis = timeline.nowMillis()
        if (failed) life.failedMillis.set(origin.id, origin.endedMillis)
      }
    },
    fenceBegins: (life: Life, some: ReadonlyArray<Id>, isHard: boolean, what: string): Fenced => {
      know(life, some)
      const tick = timeline.tick()
      const fence: Fenced = {
        life,
        ids: some,
        isHard,
        what,
        own: true,
        markTick: tick,
        beganTick: tick,
        endedTick: never,
        endedMillis: never,
        acknowledged: false,
        written: false
      }
      fenced.push(fence)
      return fence
    },
    /** The source is written: what was read before this is older. */
    fenceWrites: (fence: Fenced, tick: number): void => {
      fence.written = true
      fence.markTick = tick
    },
    fenceReturns: (fence: Fenced, acknowledged: boolean): void => {
      know(fence.life, fence.ids)
      fence.endedTick = timeline.tick()
      fence.endedMillis = timeline.nowMillis()
      fence.acknowledged = acknowledged
    },
    /** An instance begins a life, and has read what a former one left behind. */
    restarted: (life: Life): void => {
      if (!setup.kept) return
      // What is hidden is looked up without a lease.
      isWhole = false
      for (const fence of fenced) {
        if (!fence.written || fence.endedTick !== never || fence.life.instance !== life.instance) continue
        fence.endedTick = timeline.tick()
        fence.endedMillis = timeline.nowMillis()
      }
    },
    /** Something that is no fence for the answers, and lets others look up beside it. */
    overtakes: (life: Life, some: ReadonlyArray<Id>): void => know(life, some),
    /** The store has carried a fence out. */
    carriedOut: (some: ReadonlyArray<Id>, isHard: boolean, moment: number): void => {
      add(anywhere, some)
      for (const id of some) {
        lastSoft.set(id, Math.max(moment, lastSoft.get(id) ?? 0))
        if (isHard) lastHard.set(id, Math.max(moment, lastHard.get(id) ?? 0))
      }
    },
    happened: (life: Life, event: CacheEvent): void => {
      switch (event._tag) {
        case "Heard":
        case "Gap": {
          const some = event._tag === "Gap" || event.everything ? ids : named(event.keys, event.tags)
          know(life, some)
          if (event._tag === "Gap" && event.because === "Subscribed") life.stands = true
          // Whatever was in memory is gone, and the store answers nothing that was read before its last fence.
          const heard = (marks: ReadonlyMap<Id, number>, isHard: boolean) => {
            for (const id of some) {
              const markTick = marks.get(id)
              if (markTick === undefined) continue
              const tick = timeline.tick()
              const endedMillis = timeline.nowMillis()
              const what = event._tag === "Gap" ? "gap" : "hearing of a fence"
              fenced.push({
                life,
                ids: [id],
                isHard,
                what,
                own: false,
                markTick,
                beganTick: markTick,
                endedTick: tick,
                endedMillis,
                acknowledged: false,
                written: false
              })
            }
          }
          heard(lastHard, true)
          heard(lastSoft, false)
          return
        }
        case "Replayed": {
          const some = event.keys.length + event.tags.length === 0 ? ids : named(event.keys, event.tags)
          know(life, some)
          const tick = timeline.tick()
          const isPending = (one: Fenced) => isOwn(one, life) && one.own && !one.acknowledged && one.endedTick !== never
          for (const one of fenced.filter(isPending)) {
            const both = one.ids.filter((id) => some.includes(id) && (lastHard.get(id) ?? 0) > one.endedTick)
            const endedMillis = timeline.nowMillis()
            if (both.length === 0) continue
            fenced.push({
              ...one,
              ids: both,
              what: `replayed ${one.what}`,
              endedTick: tick,
              endedMillis,
              acknowledged: true
            })
          }
          return
        }
        case "Recalled":
          isWhole = false
          return know(life, event.keys.length + event.tags.length === 0 ? ids : named(event.keys, event.tags))
        case "BusLost":
          life.stands = false
          return
        case "Invalidated":
        case "Expired":
          return know(life, named(event.keys, event.tags))
      }
    },
    disturbed: (life: Life): void => {
      isWhole = false
      life.disturbedTick = timeline.tick()
    },
    cutOff: (life: Life): void => {
      isWhole = false
      life.stands = false
    },
    /** What has passed cannot be broken any more. */
    forget: (): void => {
      if (fenced.length > 200) fenced = fenced.slice(-100)
    },
    runningOf: (life: Life): number => [...running].filter((one) => one.life === life).length
  }
}

export type Judge = ReturnType<typeof make>
