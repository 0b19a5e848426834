/**
 * The time of a world: virtual, in one thread, and the same in every run.
 *
 * Nothing waits for the event loop. A fiber runs when the timeline takes its next task, tasks are taken in the order in
 * which they came, and when none is left time goes on to the next alarm. What belongs to somebody who has crashed is
 * dropped, so that it stops in the middle of whatever it did, without a finalizer.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import type { Scheduler } from "effect/Scheduler"

/** Whoever has tasks and alarms. */
export interface Owner {
  alive: boolean
  /** How many alarms of its are set. */
  alarms: number
}

export const owner = (): Owner => ({ alive: true, alarms: 0 })

interface Alarm {
  readonly atMillis: number
  readonly order: number
  readonly owner: Owner
  readonly ring: () => void
  isSet: boolean
}

export interface Timeline {
  readonly nowMillis: () => number
  /** The number of the next thing that happens: tells before from after within one instant. */
  readonly tick: () => number
  readonly after: (millis: number, owner: Owner, ring: () => void) => () => void
  readonly scheduler: (owner: Owner) => Scheduler
  /** A clock that is ahead by so much. */
  readonly clock: (owner: Owner, aheadMillis: number) => Clock.Clock
  /** Lets everything run that can run without time passing. */
  readonly settle: () => void
  readonly advance: (millis: number) => void
  /** How many tasks have run. */
  readonly tasks: () => number
  /** From here on what belongs to those who have crashed runs too, also what was dropped. */
  readonly revive: () => void
}

const isBefore = (one: Alarm, other: Alarm): boolean =>
  one.atMillis < other.atMillis || (one.atMillis === other.atMillis && one.order < other.order)

export const make = (): Timeline => {
  const alarms: Array<Alarm> = [] // a binary heap
  let tasks: Array<{ readonly owner: Owner; readonly run: () => void }> = []
  let nowMillis = 0
  let ticks = 0
  let order = 0
  let ran = 0
  /** What was to run for somebody who had crashed; `undefined` when everybody runs. */
  let dropped: Array<() => void> | undefined = []

  const push = (alarm: Alarm): void => {
    let i = alarms.push(alarm) - 1
    for (let up = (i - 1) >> 1; i > 0 && isBefore(alarm, alarms[up]!); up = (i - 1) >> 1) {
      alarms[i] = alarms[up]!
      i = up
    }
    alarms[i] = alarm
  }

  const pop = (): void => {
    const last = alarms.pop()!
    if (alarms.length === 0) return
    let i = 0
    for (let down = 1; down < alarms.length; down = 2 * i + 1) {
      if (down + 1 < alarms.length && isBefore(alarms[down + 1]!, alarms[down]!)) down += 1
      if (!isBefore(alarms[down]!, last)) break
      alarms[i] = alarms[down]!
      i = down
    }
    alarms[i] = last
  }

  const after = (millis: number, owner: Owner, ring: () => void): (() => void) => {
    const alarm: Alarm = { atMillis: nowMillis + millis, order: order++, owner, ring, isSet: true }
    owner.alarms += 1
    push(alarm)
    return () => {
      if (!alarm.isSet) return
      alarm.isSet = false
      owner.alarms -= 1
    }
  }

  const settle = (): void => {
    while (tasks.length > 0) {
      const some = tasks
      tasks = []
      for (const { owner, run } of some) {
        if (!owner.alive && dropped !== undefined) {
          dropped.push(run)
          continue
        }
        ran += 1
        run()
      }
    }
  }

  const advance = (millis: number): void => {
    const end = nowMillis + millis
    settle()
    for (let next = alarms[0]; next !== undefined && next.atMillis <= end; next = alarms[0]) {
      pop()
      if (!next.isSet) continue
      next.isSet = false
      next.owner.alarms -= 1
      if (!next.owner.alive && dropped !== undefined) {
        dropped.push(next.ring)
        continue
      }
      nowMillis = Math.max(nowMillis, next.atMillis)
      next.ring()
      settle()
    }
    nowMillis = end
  }

  return {
    nowMillis: () => nowMillis,
    tick: () => ++ticks,
    after,
    settle,
    advance,
    tasks: () => ran,
    revive: () => {
      const late = dropped ?? []
      dropped = undefined
      for (const run of late) run()
      settle()
    },
    scheduler: (owner) => ({
      scheduleTask: (run) => void tasks.push({ owner, run }),
      shouldYield: (fiber) =>
        fiber.currentOpCount > fiber.getFiberRef(FiberRef.currentMaxOpsBeforeYield)
          ? fiber.getFiberRef(FiberRef.currentSchedulingPriority)
          : false
    }),
    clock: (owner, aheadMillis) => ({
      [Clock.ClockTypeId]: Clock.ClockTypeId,
      unsafeCurrentTimeMillis: () => nowMillis + aheadMillis,
      unsafeCurrentTimeNanos: () => BigInt(Math.round((nowMillis + aheadMillis) * 1e6)),
      currentTimeMillis: Effect.sync(() => nowMillis + aheadMillis),
      currentTimeNanos: Effect.sync(() => BigInt(Math.round((nowMillis + aheadMillis) * 1e6))),
      sleep: (duration) =>
        Effect.async<void>((resume) => {
          const millis = Duration.toMillis(duration)
          if (millis <= 0) return resume(Effect.void)
          if (millis === Infinity) return
          return Effect.sync(after(millis, owner, () => resume(Effect.void)))
        })
    })
  }
}
