/**
 * The bus of a world: each message goes its own way to each instance, in order unless something overtakes it.
 */
import { StoreError } from "@larder/cache/CacheError"
import type { InvalidationBus } from "@larder/cache/InvalidationBus"
import type { Counter } from "@larder/cache/Epoch"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Mailbox from "effect/Mailbox"
import * as Stream from "effect/Stream"
import type { Chance } from "./chance.js"
import type { Owner, Timeline } from "./timeline.js"
import { busMillis, type BusFault, type Cut } from "./words.js"

interface Subscription {
  readonly mailbox: Mailbox.Mailbox<string, StoreError>
  readonly owner: Owner
  /** When the last message that is on its way arrives. */
  lastMillis: number
}

interface Plan {
  readonly fault: BusFault
  times: number
}

/** How the way to and from one instance is. */
interface Way {
  readonly subscriptions: Set<Subscription>
  plans: Array<Plan>
  cut: Cut | undefined
  /** When what was sent last leaves. */
  leavesMillis: number
}

export interface WorldBus {
  /** To be compared by store and bus: the two have one server. */
  readonly carrier: object
  readonly seenBy: (
    instance: number,
    owner: Owner,
    counter: (() => Counter) | undefined
  ) => Context.Tag.Service<InvalidationBus>
  /** Sends a text of the store. */
  readonly send: (text: string) => void
  readonly set: (instance: number, fault: BusFault, times: number) => void
  readonly cut: (instance: number, how: Cut) => void
  readonly heal: () => void
  readonly subscriptions: () => number
}

const failure = (operation: string) =>
  new StoreError({ store: "world bus", operation, reason: "Unavailable", detail: "cut off, as was asked for" })

export const make = (
  timeline: Timeline,
  chance: Chance,
  instances: number,
  on: {
    /** A text will not reach an instance as it should. */
    readonly disturbed: (instance: number) => void
    /** An instance has no subscription any more. */
    readonly cutOff: (instance: number) => void
    readonly fault: (kind: string) => void
  }
): WorldBus => {
  const server: Owner = { alive: true, alarms: 0 }
  const ways = Array.from({ length: instances }, (): Way => ({
    subscriptions: new Set(),
    plans: [],
    cut: undefined,
    leavesMillis: 0
  }))

  const faultFor = (way: Way): BusFault | undefined => {
    const [plan] = way.plans
    if (plan === undefined) return undefined
    plan.times -= 1
    if (plan.times === 0) way.plans.shift()
    return plan.fault
  }

  const deliver = (instance: number, way: Way, to: Subscription, text: string, millis: number): void =>
    void timeline.after(millis, server, () => {
      if (!way.subscriptions.has(to) || !to.owner.alive) return
      if (way.cut === "deaf") return on.disturbed(instance)
      to.mailbox.unsafeOffer(text)
    })

  const send = (text: string): void => {
    for (const [instance, way] of ways.entries()) {
      for (const to of way.subscriptions) {
        if (!to.owner.alive) {
          way.subscriptions.delete(to)
          continue
        }
        const fault = faultFor(way)
        const now = timeline.nowMillis()
        const plainly = chance.between(0, busMillis)
        if (fault !== undefined) {
          on.fault(`message ${fault}`)
          on.disturbed(instance)
        }
        if (fault === "lost") continue
        const away = fault === "delayed" || fault === "overtaken" ? chance.between(50, 2_500) : plainly
        const arrives = Math.max(now + away, fault === "overtaken" ? 0 : to.lastMillis)
        if (arrives > now + busMillis) on.disturbed(instance)
        if (fault !== "overtaken") to.lastMillis = arrives
        deliver(instance, way, to, text, arrives - now)
        if (fault === "repeated") deliver(instance, way, to, text, arrives - now + chance.between(0, 1_000))
      }
    }
  }

  const seenBy: WorldBus["seenBy"] = (instance, owner, counter) => {
    const way = ways[instance]!
    const publish = (text: () => string) =>
      Effect.async<void, StoreError>((resume) => {
        if (way.cut === "loud") return resume(failure("publish"))
        const sent = way.cut !== "mute"
        if (!sent) {
          on.fault("message lost on leaving")
          for (const other of ways.keys()) on.disturbed(other)
        }
        // One connection: what is sent first leaves first.
        const now = timeline.nowMillis()
        way.leavesMillis = Math.max(way.leavesMillis, now + chance.between(0, 2))
        const millis = way.leavesMillis - now
        timeline.after(millis, server, () => sent && send(text()))
        timeline.after(millis + chance.between(0, 2), owner, () => resume(Effect.void))
      })
    const subscribe = Effect.flatMap(Mailbox.make<string, StoreError>(), (mailbox) =>
      Effect.async<Subscription, StoreError>((resume) => {
        timeline.after(chance.between(1, 10), owner, () => {
          if (way.cut === "loud") return resume(failure("listen"))
          const subscription = { mailbox, owner, lastMillis: timeline.nowMillis() }
          way.subscriptions.add(subscription)
          resume(Effect.succeed(subscription))
        })
      })
    )
    return {
      name: "world",
      channel: "world",
      carrier: counter === undefined ? undefined : ways,
      publish: (text) => publish(() => text),
      publishCounted:
        counter === undefined
          ? undefined
          : (text) =>
              publish(() => {
                const { era, n } = counter()
                return `${era}-${n} ${text}`
              }),
      texts: Stream.unwrapScoped(
        Effect.acquireRelease(Effect.interruptible(subscribe), (one) =>
          Effect.sync(() => way.subscriptions.delete(one))
        ).pipe(Effect.map(({ mailbox }) => Mailbox.toStream(mailbox)))
      )
    }
  }

  return {
    carrier: ways,
    seenBy,
    send,
    set: (instance, fault, times) => {
      ways[instance]!.plans.push({ fault, times })
    },
    cut: (instance, how) => {
      on.fault(`bus cut off, ${how}`)
      const way = ways[instance]!
      if (how !== "forgotten") way.cut = how
      on.disturbed(instance)
      if (how === "deaf" || how === "mute") return
      if (how === "loud") for (const { mailbox } of way.subscriptions) mailbox.unsafeDone(Exit.fail(failure("listen")))
      on.cutOff(instance)
      // A forgotten one is not remembered when the bus is whole again.
      way.subscriptions.clear()
    },
    heal: () => {
      for (const way of ways) {
        way.plans = []
        way.cut = undefined
      }
    },
    subscriptions: () => ways.reduce((sum, { subscriptions }) => sum + subscriptions.size, 0)
  }
}
