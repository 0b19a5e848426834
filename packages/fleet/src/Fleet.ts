/** A run: instances over one store and one database, under load, while things break. */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Ref from "effect/Ref"
import * as Schedule from "effect/Schedule"
import * as Service from "example-feature-flags/live/Service"
import * as Organisation from "example-feature-flags/Organisation"
import * as Bundle from "./Bundle.js"
import * as Databases from "./Databases.js"
import * as Ending from "./Ending.js"
import * as Faults from "./Faults.js"
import * as Instance from "./Instance.js"
import * as Load from "./Load.js"
import * as Shared from "./Shared.js"
import * as Subject from "./Subject.js"
import * as Tally from "./Tally.js"

export interface Options {
  readonly client: Shared.Client
  readonly database: Databases.Kind
  readonly seconds: number
  /** It goes on longer, until so many flips were acknowledged and so many requests sent. Default: as long as is said. */
  readonly atLeast?: { readonly flips: number; readonly requests: number } | undefined
  readonly instances: number
  /** Requests a second. */
  readonly rate: number
  readonly seed: string
  /** How long an instance answers from its memory without asking the store or hearing from the bus. */
  readonly memoryMillis: number
  /** How the instances hear from each other. */
  readonly bus: "pubsub" | "stream"
}

/** What a run says of itself as it goes. */
export interface Progress {
  readonly say: (text: string) => Effect.Effect<void>
  /** What was counted before somebody ended it; the database was not asked what it has lost. */
  readonly interrupted: (soFar: Result) => Effect.Effect<void>
}

/** Over the time that memory may be believed: clocks count whole milliseconds, and two processes read them. */
const slackMillis = 50

export const boundOf = ({ memoryMillis }: Pick<Options, "memoryMillis">): number => memoryMillis + slackMillis

export interface Result {
  readonly options: Options
  readonly boundMillis: number
  /** Which one it was. */
  readonly database: "PostgreSQL" | "PGlite"
  readonly counts: ReturnType<Tally.Tally["counts"]>
  readonly faults: ReadonlyMap<Faults.Kind, number>
  /** Absent: it was interrupted before that. */
  readonly ending: Ending.Ending | undefined
  readonly hits: number
  readonly misses: number
}

export const run = (options: Options, { interrupted, say }: Progress) =>
  Effect.gen(function* () {
    const boundMillis = boundOf(options)
    yield* say("starting the database and the store")
    const programs = yield* Bundle.make
    // What may be missing comes first, and what takes its time after it.
    const store = yield* Shared.store(options.client, programs)
    const database = yield* Databases.make(options.database, Subject.slugs)
    yield* say(`starting ${options.instances} instances over ${database.name}`)
    const variables = { ...store.variables, DATABASE_URL: database.url }
    const args = ["--memory", `${options.memoryMillis} millis`, "--bus", options.bus]
    const instances = yield* Effect.forEach(
      Array.from({ length: options.instances }, (_, i) => i + 1),
      (number) => {
        const journal = ["--journal", `${programs.folder}/${number}.journal`]
        return Instance.make(number, { file: programs.serve, args: [...args, ...journal], variables })
      },
      { concurrency: "unbounded" }
    )
    const tally = Tally.make(Subject.slugs, boundMillis)
    const subjects = yield* Subject.make(yield* Organisation.make(Service.size))
    const kinds = [...store.outages.map(({ kind }) => kind), "instance killed", "instance frozen"] as const
    const plan = yield* Faults.plan(kinds, options.seconds, options.instances)

    const broken = new Map<Faults.Kind, number>()
    const health = yield* Ref.make(new Map<string, { readonly hits: number; readonly misses: number }>())
    const failure = yield* Deferred.make<never, unknown>()
    const over = yield* Deferred.make<void>()
    const tell = (what: string, kind?: Faults.Kind) => {
      if (kind !== undefined) broken.set(kind, (broken.get(kind) ?? 0) + 1)
      return Effect.zipRight(
        Effect.map(Load.nowMillis, (atMillis) => tally.happened({ what, atMillis })),
        say(what)
      )
    }
    const look = Effect.forEach(
      instances.filter((one) => one.isWell()),
      (one) =>
        Effect.flatMap(Effect.option(Effect.timeout(one.client.health.health(), "1 second")), (answer) =>
          answer._tag === "None" ? Effect.void : Ref.update(health, (all) => all.set(one.life(), answer.value))
        ),
      { concurrency: "unbounded", discard: true }
    )
    yield* Effect.forkScoped(Effect.repeat(look, Schedule.spaced(500)))
    yield* say(`load for ${options.seconds} s`)
    yield* Effect.forkScoped(
      Faults.inject(plan, instances, store.outages, tell, (error) => Effect.asVoid(Deferred.fail(failure, error)))
    )
    const load = Load.run({ instances, subjects, tally, boundMillis, rate: options.rate, over })
    const { flips, requests } = options.atLeast ?? { flips: 0, requests: 0 }
    const isEnough = Effect.map(Effect.sleep(200), () => {
      const counts = tally.counts()
      return counts.flips("everywhere") >= flips && counts.requests >= requests
    })
    const clock = Effect.sleep(options.seconds * 1_000).pipe(
      Effect.zipRight(Effect.repeat(isEnough, { until: (enough) => enough })),
      Effect.zipRight(Deferred.succeed(over, undefined))
    )
    const soFar = (ending?: Ending.Ending) =>
      Effect.map(Ref.get(health), (all): Result => {
        const seen = [...all.values()]
        return {
          options,
          boundMillis,
          database: database.name,
          counts: tally.counts(),
          faults: broken,
          ending,
          hits: seen.reduce((sum, one) => sum + one.hits, 0),
          misses: seen.reduce((sum, one) => sum + one.misses, 0)
        }
      })
    yield* Effect.raceFirst(Effect.all([load, clock], { concurrency: 2 }), Deferred.await(failure)).pipe(
      Effect.onInterrupt(() => Effect.flatMap(soFar(), interrupted))
    )
    yield* look
    yield* say("waiting until every instance answers what the database says")
    const ending = yield* Ending.agree({ instances, subjects, stored: database.stored(subjects), boundMillis })
    for (const [slug, value] of ending.stored) tally.stored(slug, value)
    return yield* soFar(ending)
  }).pipe(
    Effect.scoped,
    Effect.provide(NodeHttpClient.makeAgentLayer({ keepAlive: true })),
    Effect.withRandom(Random.make(options.seed))
  )
