/** Readers at every instance, and for each flag one who flips it through any of them. */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Random from "effect/Random"
import type { Instance } from "./Instance.js"
import type * as Judge from "./Judge.js"
import type { Subject } from "./Subject.js"
import type { Tally } from "./Tally.js"

export interface Options {
  readonly instances: ReadonlyArray<Instance>
  readonly subjects: ReadonlyArray<Subject>
  readonly tally: Tally
  readonly boundMillis: number
  /** Requests a second, of all readers together. */
  readonly rate: number
  /** Ends when the run is over: nothing is sent any more. */
  readonly over: Deferred.Deferred<void>
}

const readersEach = 4

/** After this long nothing of a process that was killed is on its way to the database. */
const graceMillis = 1_000

/** One clock for all times that are judged. */
export const nowMillis = Effect.map(Clock.currentTimeNanos, (nanos) => Number(nanos) / 1e6)

/** Why there was no answer: a status, or what became of the connection. */
const statusOf = (error: unknown): string => {
  if (!Predicate.hasProperty(error, "_tag")) return "unforeseen"
  switch (error._tag) {
    case "UnknownFlag":
    case "UnknownTeam":
      return "404"
    case "HttpApiDecodeError":
      return "400"
    case "DatabaseUnavailable":
      return "503"
    case "ResponseError":
      return "status" in error ? String(error.status) : "answer broken off"
    case "RequestError":
      return "no connection"
    default:
      return String(error._tag)
  }
}

/** Waits, unless it is over. Answers whether to go on. What was sent is always waited for. */
const pause = (over: Deferred.Deferred<void>, millis: number) =>
  Effect.zipRight(
    Effect.race(Effect.sleep(Math.max(0, millis)), Deferred.await(over)),
    Effect.map(Deferred.isDone(over), (done) => !done)
  )

const reader = ({ instances, over, rate, subjects, tally }: Options, instance: Instance) =>
  Effect.gen(function* () {
    const everyMillis = (1_000 * readersEach * instances.length) / rate
    let spentMillis = 0
    while (yield* pause(over, everyMillis * (0.5 + (yield* Random.next)) - spentMillis)) {
      spentMillis = 0
      // Whoever balances the load sends nothing to a process that is not ready.
      if (!instance.isUp()) continue
      const subject = subjects[yield* Random.nextIntBetween(0, subjects.length)]!
      const { ask, what } = subject.asks[yield* Random.nextIntBetween(0, subject.asks.length)]!
      const by = instance.life()
      const sentMillis = yield* nowMillis
      const answer = yield* Effect.either(ask(instance.client))
      const answeredMillis = yield* nowMillis
      spentMillis = answeredMillis - sentMillis
      if (answer._tag === "Left") tally.failed(statusOf(answer.left))
      else tally.answered(subject.slug, what, { value: answer.right.enabled, by, sentMillis, answeredMillis })
    }
  })

const outcomes: Record<"every instance" | "this instance", Judge.Outcome> = {
  "every instance": "everywhere",
  "this instance": "here"
}

/** Flips seldom enough that an answer from before the last flip can be told from one of before the last but one. */
const flipper = ({ boundMillis, instances, over, tally }: Options, subject: Subject) =>
  Effect.gen(function* () {
    const history = tally.histories.get(subject.slug)!
    let value = false
    let waitMillis = boundMillis * (yield* Random.next)
    while (yield* pause(over, waitMillis)) {
      const instance = instances[yield* Random.nextIntBetween(0, instances.length)]!
      waitMillis = 50
      if (!instance.isUp()) continue
      value = !value
      const begun: Judge.Flip = { value, by: instance.life(), sentMillis: yield* nowMillis }
      const place = history.push(begun) - 1
      // Nobody stops waiting: a flip that is not answered yet could happen after the next one.
      const answer = yield* Effect.either(subject.flip(value)(instance.client))
      const outcome = answer._tag === "Left" ? "unknown" : outcomes[answer.right.heldBy]
      history[place] = { ...begun, end: { millis: yield* nowMillis, outcome } }
      waitMillis = boundMillis * (1.2 + (yield* Random.next))
      if (answer._tag === "Left") {
        tally.failed(statusOf(answer.left))
        waitMillis += graceMillis
      }
    }
  })

/** Runs until it is over and everything that was sent has been answered. */
export const run = (options: Options): Effect.Effect<void> =>
  Effect.all(
    [
      ...options.instances.flatMap((instance) => Array.from({ length: readersEach }, () => reader(options, instance))),
      ...options.subjects.map((subject) => flipper(options, subject))
    ],
    { concurrency: "unbounded", discard: true }
  )
