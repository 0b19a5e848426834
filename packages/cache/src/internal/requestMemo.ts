/**
 * What one request has read: a key is read once, and answers the same for as long as the request lasts.
 *
 * It is no tier. It knows no time, only fences: what is invalidated, expired or set on this instance, or heard of from
 * others, is read anew. It lies in the context of the request's fibers, is bounded, and is emptied when the request
 * ends; a fiber that goes on after that reads as if there were none.
 *
 * A lookup does not see it: what a lookup answers is everybody's, not this request's. Nor does what runs with the cache
 * off, in a transaction, or to refresh.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberId from "effect/FiberId"
import * as Option from "effect/Option"
import type { Item } from "../StoreTier.js"
import type { Core } from "./core.js"
import type { Lookup } from "./currentLookup.js"
import type { Dependency } from "./dependencies.js"
import * as Lru from "./lru.js"

type Any<A> = Effect.Effect<A, any, any>

/** So many keys are remembered for a request, least recently used out first. */
export const maximumKeys = 1_000

/** What was answered: how it is copied for the next reader, and what ends it. */
interface Answer {
  /** Not held where there is an encoded form to make copies of. */
  readonly value: unknown
  readonly encoded: string | undefined
  readonly names: ReadonlySet<string>
}

/** How a read ended for those who waited for it. */
type Arrival =
  | { readonly _tag: "Answered" }
  | { readonly _tag: "Failed"; readonly exit: Exit.Exit<never, any>; readonly names: Iterable<string> }
  /** Whoever waited reads as if nobody had. */
  | { readonly _tag: "Interrupted" }
  /** Whoever waited reads by itself: it is not known what came of this key. */
  | { readonly _tag: "Unknown" }

interface Memory {
  /** On the clock of the fences, when its read began. */
  readonly since: number
  answer: Answer | undefined
  readonly arrival: Deferred.Deferred<Arrival>
}

type Memories = Lru.Lru<Memory>

interface RequestMemo {
  /** What was read through this cache; `undefined` when the request is over. */
  readonly of: (core: Core) => Memories | undefined
  readonly close: () => void
}

class CurrentRequest extends Context.Tag("@larder/cache/internal/CurrentRequest")<CurrentRequest, RequestMemo>() {}

const make = (): RequestMemo => {
  let byCore: Map<Core, Memories> | undefined = new Map()
  return {
    of: (core) => {
      if (byCore === undefined) return undefined
      let memories = byCore.get(core)
      if (memories === undefined) byCore.set(core, (memories = Lru.make(maximumKeys)))
      return memories
    },
    close: () => {
      for (const memories of byCore?.values() ?? []) memories.clear()
      byCore = undefined
    }
  }
}

/** Runs an effect as one request. */
export const during = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.suspend(() => {
    const memo = make()
    const request = Effect.provideService(self, CurrentRequest, memo) as Effect.Effect<A, E, R>
    return Effect.ensuring(request, Effect.sync(memo.close))
  })

/** What the request of this code remembers of a cache, if it is part of one and not of a lookup. */
export const memoriesOf = (
  core: Core,
  context: Context.Context<never>,
  outer: Lookup | undefined
): Memories | undefined =>
  outer === undefined ? Option.getOrUndefined(Context.getOption(context, CurrentRequest))?.of(core) : undefined

/** Reads some of the items, and tells by whose position what was answered. */
export type Read = (
  positions: ReadonlyArray<number>,
  observe: (position: number, answer: Dependency) => void
) => Any<ReadonlyArray<unknown>>

/** Answers what was read before, waits for what is being read, and reads the rest. */
export const through = (
  core: Core,
  memories: Memories,
  items: ReadonlyArray<Item>,
  read: Read
): Any<ReadonlyArray<unknown>> => {
  const { fences } = core

  const mayAnswer = (item: Item, { since }: Memory, { names }: Answer): boolean =>
    // Somebody else may have read it without a tag that this caller declares.
    !fences.fellSince(since, names) && item.names.every((name) => names.has(name))

  const known = (item: Item): Memory | undefined => {
    const memory = memories.get(item.flightId)
    if (memory === undefined) return undefined
    const { answer, since } = memory
    const stands = answer === undefined ? !fences.fellSince(since, item.names) : mayAnswer(item, memory, answer)
    if (stands) return memory
    memories.delete(item.flightId)
    return undefined
  }

  const alone = (position: number) => first(read([position], () => {}))

  const hit = (position: number, { encoded, value }: Answer): Any<unknown> => {
    const item = items[position]!
    core.tally.hit(item.key.prefix)
    core.emitKey(item.key, { _tag: "Hit" })
    if (encoded === undefined) return Effect.succeed(value)
    return Effect.orElse(item.codec.decode(encoded), () => alone(position))
  }

  /** Reads what nobody has read; whatever ends it, those who wait for it are told. */
  const lead = (
    led: ReadonlyArray<readonly [position: number, Memory]>,
    restore: <A>(effect: Any<A>) => Any<A>
  ): Any<ReadonlyArray<unknown>> => {
    const answers = new Map<number, Dependency>()
    const reading = read(
      led.map(([position]) => position),
      (position, answer) => answers.set(position, answer)
    )
    return Effect.onExit(restore(reading), (exit) =>
      Effect.sync(() => {
        for (const [i, [position, memory]] of led.entries()) {
          const { flightId, names } = items[position]!
          const answer = answers.get(position)
          if (answer !== undefined && Exit.isSuccess(exit)) memory.answer = answerOf(exit.value[i], answer)
          else if (memories.get(flightId) === memory) memories.delete(flightId)
          const arrival: Arrival = Exit.isSuccess(exit)
            ? { _tag: answer === undefined ? "Unknown" : "Answered" }
            : Cause.isInterruptedOnly(exit.cause)
              ? { _tag: "Interrupted" }
              : led.length > 1
                ? { _tag: "Unknown" }
                : { _tag: "Failed", exit: Exit.failCause(exit.cause), names: answer?.names ?? names }
          Deferred.unsafeDone(memory.arrival, Exit.succeed(arrival))
        }
      })
    )
  }

  const again = (position: number) =>
    first(through(core, memories, [items[position]!], (_, observe) => read([position], (_at, one) => observe(0, one))))

  const follow = (position: number, memory: Memory): Any<unknown> =>
    Effect.flatMap(Deferred.await(memory.arrival), (arrival) => {
      // A fence that fell meanwhile may be older than this call.
      switch (arrival._tag) {
        case "Answered":
          return mayAnswer(items[position]!, memory, memory.answer!) ? hit(position, memory.answer!) : again(position)
        case "Failed":
          return fences.fellSince(memory.since, arrival.names) ? again(position) : arrival.exit
        case "Interrupted":
          return again(position)
        case "Unknown":
          return alone(position)
      }
    })

  return Effect.uninterruptibleMask((restore) =>
    Effect.suspend(() => {
      const since = fences.now()
      const answers: Array<Any<unknown>> = []
      const led: Array<readonly [number, Memory]> = []
      for (const [position, item] of items.entries()) {
        const memory = known(item)
        if (memory !== undefined) {
          answers[position] =
            memory.answer === undefined ? Effect.suspend(() => follow(position, memory)) : hit(position, memory.answer)
          continue
        }
        const arrival = Deferred.unsafeMake<Arrival>(FiberId.none)
        const claimed: Memory = { since, answer: undefined, arrival }
        memories.set(item.flightId, claimed)
        led.push([position, claimed])
      }
      if (led.length === 0) return restore(Effect.all(answers))
      return Effect.flatMap(lead(led, restore), (values) => {
        for (const [i, [position]] of led.entries()) answers[position] = Effect.succeed(values[i])
        return restore(Effect.all(answers))
      })
    })
  )
}

const first = (values: Any<ReadonlyArray<unknown>>): Any<unknown> => Effect.map(values, ([value]) => value)

const answerOf = (value: unknown, { encoded, names }: Dependency): Answer => {
  const isPlain = typeof value !== "object" || value === null
  // The first reader has the value itself, and may change it: the others get copies of what is stored.
  return isPlain || encoded === undefined
    ? { value, encoded: undefined, names: new Set(names) }
    : { value: undefined, encoded, names: new Set(names) }
}
