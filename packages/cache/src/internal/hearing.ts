/**
 * Listening to what other instances let fall.
 *
 * An instance sends beats of its own along the way of the messages. Whoever hears its beat has heard everything that was
 * told before it was sent: so a subscription stands when its first beat is heard, a route that was forgotten shows by
 * its silence, and values in memory are answered for a while after each beat and no longer. Where instances tell by
 * themselves a beat says only that one hears, since who tells may be cut off.
 *
 * What may have been missed is a gap, and after a gap nothing that was seen before is believed. It falls when the
 * subscription stands again, not when it is lost: what is read in between may be missing messages too.
 */
import * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { StoreError } from "../CacheError.js"
import type { CacheEvent, GapReason } from "../CacheEvent.js"
import type { Counter } from "../Epoch.js"
import type { InvalidationBus } from "../InvalidationBus.js"
import type { FenceRequest } from "../Store.js"
import * as busWire from "./busWire.js"
import { limit } from "./limit.js"
import * as sequence from "./sequence.js"

/** What becomes of what is heard. */
export interface Listener {
  readonly fenceHere: (request: FenceRequest, hard: boolean) => void
  /** What is stored is no longer what it was: what is in memory ends. */
  readonly changed: (request: FenceRequest) => void
  /** Whether the store gave this count to a fence of this instance. */
  readonly isOwnFence: (counter: Counter) => boolean
  /** How far the store is known to be. */
  readonly lastCount: () => Counter | undefined
  /** Takes the store's count, which it told when it was known to be at `asked`, or at any time. */
  readonly counted: (counter: Counter, asked?: Counter) => void
  /** Something may have been missed: nothing that was seen before is believed. */
  readonly gap: (because: GapReason) => void
  /** Everything that other instances told before this moment has been heard here. */
  readonly busIsHeard: (atMillis: number) => void
  readonly emit: (event: CacheEvent) => void
  readonly failed: (error: StoreError) => Effect.Effect<void>
  readonly worked: (operation: string) => void
}

export interface Options {
  readonly sender: busWire.Sender
  /** Whether messages come with the store's count, or with their senders'. */
  readonly carried: boolean
  readonly operationMillis: number
  /** After so long without a sign of life a subscription is taken for lost. */
  readonly silenceMillis: number
}

const shortestPauseMillis = 25
const longestPauseMillis = 10_000

/** So many senders' counts are remembered; who was forgotten is taken for one that was missed. */
const maximumSenders = 1_000

/** Hears until the subscription is lost. */
const once = (
  listener: Listener,
  bus: Context.Tag.Service<InvalidationBus>,
  options: Options,
  number: { next: number },
  stood: () => void
) =>
  Effect.gen(function* () {
    const { carried, operationMillis, sender, silenceMillis } = options
    const { origin } = sender
    const counts = carried ? sequence.make() : sequence.perSender(maximumSenders)
    const sent = new Map<number, { readonly millis: number; readonly asked: Counter | undefined }>()
    let stands = false
    let heardMillis = yield* Clock.currentTimeMillis

    /** What the store has told of itself: a replica may lag behind it, and what a replica lost shows in it. */
    const take = (counter: Counter | undefined, asked?: Counter): void => {
      if (carried && counter !== undefined) listener.counted(counter, asked)
    }

    const beat = (message: busWire.Beat, counter: Counter | undefined): void => {
      const own = message.origin === origin ? sent.get(message.number) : undefined
      take(counter, own?.asked)
      if (own === undefined) return
      for (const earlier of sent.keys()) if (earlier <= message.number) sent.delete(earlier)
      heardMillis = own.millis
      if (!stands) {
        stands = true
        stood()
        listener.gap("Subscribed")
      }
      listener.busIsHeard(own.millis)
    }

    const hear = (text: string): void => {
      const heard = busWire.parse(text)
      if (heard === undefined) return listener.gap("Unreadable")
      const { counter, message } = heard
      const isMissing = message._tag === "Beat" ? counts.beat(counter) : counts.fence(counter)
      // Whoever makes the store forget everything begins another era, and says so.
      const forgets =
        message._tag === "Fence" && message.everything && message.kind === "invalidate" && counter?.n === 0
      if (isMissing && stands && !forgets) listener.gap("Lost")
      if (message._tag === "Beat") return beat(message, counter)
      take(counter)
      if (message.origin === origin) return
      // One count for two fences: the store has lost this instance's, and the other one makes up for it.
      if (carried && counter !== undefined && listener.isOwnFence(counter)) listener.gap("Lost")
      const { everything, keys, kind, tags } = message
      const request = { keys: keys.map((key) => ({ key, shapes: [] })), tags, everything }
      if (kind === "change") listener.changed(request)
      else listener.fenceHere(request, kind === "invalidate")
      listener.emit({ _tag: "Heard", kind, keys, tags, everything })
    }

    const send = (message: busWire.Beat) =>
      limit(
        { store: `${bus.name} bus`, operation: "beat" },
        carried ? bus.publishCounted!(busWire.print(message)) : bus.publish(busWire.counted(sender, message)),
        operationMillis
      )

    const beats = Effect.gen(function* () {
      for (let pause = shortestPauseMillis; ; pause = Math.min(2 * pause, silenceMillis / 3)) {
        const message: busWire.Beat = { _tag: "Beat", origin, number: number.next++ }
        sent.set(message.number, { millis: yield* Clock.currentTimeMillis, asked: listener.lastCount() })
        const outcome = yield* Effect.either(send(message))
        if (outcome._tag === "Left") yield* listener.failed(outcome.left)
        else listener.worked("beat")
        yield* Effect.sleep(stands ? silenceMillis / 3 : pause)
        // Of a clock that was set back nobody knows how much time has passed: it begins here.
        const nowMillis = yield* Clock.currentTimeMillis
        heardMillis = Math.min(heardMillis, nowMillis)
        if (nowMillis - heardMillis >= silenceMillis) {
          return yield* new StoreError({
            store: `${bus.name} bus`,
            operation: "listen",
            reason: "Timeout",
            detail: `no sign of life for ${Math.round(silenceMillis)} ms`
          })
        }
      }
    })

    const ended = new StoreError({
      store: `${bus.name} bus`,
      operation: "listen",
      reason: "Unavailable",
      detail: "the subscription ended"
    })
    const texts = Stream.runForEach(bus.texts, (text) => Effect.sync(() => hear(text)))
    const died = new StoreError({
      store: `${bus.name} bus`,
      operation: "listen",
      reason: "BadReply",
      detail: "the bus ended with a defect"
    })
    const failure = yield* Effect.flip(
      Effect.catchAllDefect(Effect.raceFirst(Effect.zipRight(texts, ended), beats), () => died)
    )
    return failure
  })

/** Hears for ever: a subscription that is lost is made again. */
export const listen = (
  listener: Listener,
  bus: Context.Tag.Service<InvalidationBus>,
  options: Options
): Effect.Effect<never> =>
  Effect.gen(function* () {
    const number = { next: 1 }
    let operation = "listen"
    for (let pause = shortestPauseMillis; ; pause = Math.min(2 * pause, longestPauseMillis)) {
      let stood = false
      const failure = yield* once(listener, bus, options, number, () => {
        stood = true
        listener.worked(operation)
      })
      operation = failure.operation
      if (stood) {
        pause = shortestPauseMillis
        listener.emit({ _tag: "BusLost", reason: failure.reason })
      }
      yield* listener.failed(failure)
      // Not all instances at once, when the server is back.
      const spread = yield* Effect.randomWith((random) => random.next)
      yield* Effect.sleep(pause * (0.5 + spread))
    }
  })
