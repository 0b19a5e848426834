import { CodecError, StoreError } from "@larder/cache/CacheError"
import * as Reporter from "@larder/cache/Reporter"
import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberId from "effect/FiberId"
import * as HashMap from "effect/HashMap"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as TestClock from "effect/TestClock"

interface Line {
  readonly level: string
  readonly text: string
  readonly annotations: Record<string, unknown>
}

const read: Reporter.CacheFailure = {
  kind: "Store",
  cache: "features",
  operation: "read",
  surfaced: false,
  cause: Cause.fail(
    new StoreError({ store: "upstash", operation: "read", reason: "Timeout", detail: "no answer in 250 ms" })
  )
}

/** The reporter, and the lines that it wrote so far. */
const capture = (options?: Reporter.LogOptions) => {
  const lines: Array<Line> = []
  const logger = Logger.make<unknown, void>(({ annotations, logLevel, message }) => {
    const text = Array.isArray(message) ? message.join(" ") : String(message)
    lines.push({ level: logLevel.label, text, annotations: Object.fromEntries(HashMap.entries(annotations)) })
  })
  const reporter = options === undefined ? Reporter.layerLog : Reporter.layerLogWith(options)
  return { lines, layer: Layer.merge(reporter, Logger.replace(Logger.defaultLogger, logger)) }
}

const report = (failure: Partial<Reporter.CacheFailure> = {}) =>
  Effect.flatMap(Reporter.Reporter, (reporter) => reporter.report({ ...read, ...failure }))

/** Reports one failure and answers what was logged. */
const logged = (failure: Partial<Reporter.CacheFailure>) => {
  const { layer, lines } = capture()
  return report(failure).pipe(
    Effect.provide(layer),
    Effect.map(() => lines)
  )
}

class RowRefused extends Error {
  readonly _tag = "RowRefused"
  readonly parameters = ["canary"]
}

const refuse = () => {
  throw new Error("canary")
}

/** Throws whatever it is asked. */
const hostile = new Proxy({}, { get: refuse, has: refuse, getPrototypeOf: refuse })

describe("Reporter / severity", () => {
  it.each([
    ["a swallowed failure", false, Cause.fail("e"), "Warning"],
    ["a surfaced failure", true, Cause.fail("e"), "Error"],
    ["a swallowed defect", false, Cause.die("e"), "Error"],
    ["a swallowed failure beside a defect", false, Cause.parallel(Cause.fail("e"), Cause.die("d")), "Error"],
    [
      "a swallowed failure with an interruption",
      false,
      Cause.sequential(Cause.fail("e"), Cause.interrupt(FiberId.none)),
      "Warning"
    ]
  ] as const)("%s", (_, surfaced, cause, expected) => {
    expect(Reporter.severity({ ...read, surfaced, cause })).toBe(expected)
  })
})

describe("Reporter / errorName", () => {
  it.each([
    ["a tag", new RowRefused("canary"), "RowRefused"],
    ["a tag on plain data", { _tag: "NotFound", id: "canary" }, "NotFound"],
    ["a tag that is a path", { _tag: "@app/NotFound" }, "@app/NotFound"],
    ["the name of an error", new RangeError("canary"), "RangeError"],
    ["a name given by hand", Object.assign(new Error("canary"), { name: "AbortError" }), "AbortError"],
    ["the class of an object", new Map([["canary", 1]]), "Map"],
    ["plain data", { canary: 1 }, "Object"],
    ["an object without a class", Object.create(null), "object"],
    ["nothing that can be read", hostile, "unreadable"],
    ["a text", "canary", "string"],
    ["nothing", null, "null"],
    ["undefined", undefined, "undefined"],
    ["the class, when the name is a sentence", Object.assign(new TypeError(), { name: "no canary" }), "TypeError"],
    ["the class, when the tag is a sentence", { _tag: "no canary" }, "Object"],
    ["the class, when the tag is no text", { _tag: 7 }, "Object"]
  ])("is %s", (_, error, expected) => {
    expect(Reporter.errorName(error)).toBe(expected)
  })
})

describe("Reporter / errorFrames", () => {
  it.effect("names the places and the spans that an error came by", () =>
    Effect.gen(function* () {
      const raise = Effect.fail(new RowRefused("canary\n    at canary (/canary.ts:1:1)")).pipe(
        Effect.withSpan("inner"),
        Effect.withSpan("outer")
      )
      const cause = yield* Effect.flip(Effect.sandbox(raise))
      const frames = Reporter.errorFrames(Cause.isFailType(cause) ? cause.error : undefined)
      expect(frames[0]).toMatch(/^ +at .*Reporter\.test\.ts:\d+/)
      expect(frames.at(-2)).toMatch(/^ +at inner \(.*Reporter\.test\.ts/)
      expect(frames.at(-1)).toMatch(/^ +at outer \(.*Reporter\.test\.ts/)
      expect(frames.join()).not.toContain("canary")
    })
  )

  it.each([
    ["a text", "    at canary"],
    ["plain data", { stack: "    at canary" }],
    ["nothing", undefined]
  ])("%s comes from nowhere", (_, error) => {
    expect(Reporter.errorFrames(error)).toEqual([])
  })
})

describe("Reporter / layerLog", () => {
  it.effect("a swallowed failure is a warning that says what failed, where, and why", () =>
    Effect.gen(function* () {
      const lines = yield* logged({})
      expect(lines).toEqual([
        {
          level: "WARN",
          text:
            "features: read failed (Store), answered without it: " +
            "StoreError: upstash: read failed (Timeout): no answer in 250 ms",
          annotations: { cache: "features", operation: "read", kind: "Store" }
        }
      ])
    })
  )

  it.effect("what concerns all caches says so, and what happens where nobody was answered is said", () =>
    Effect.gen(function* () {
      const [line] = yield* logged({
        cache: "*",
        operation: "invalidate",
        instead: "repeated until it is acknowledged"
      })
      expect(line?.text).toMatch(
        /^all caches: invalidate failed \(Store\), repeated until it is acknowledged: StoreError: /
      )
      expect(line?.annotations["cache"]).toBe("*")
    })
  )

  it.effect("a surfaced failure is an error", () =>
    Effect.gen(function* () {
      const lines = yield* logged({ kind: "Lookup", operation: "lookup", surfaced: true, cause: Cause.fail("gone") })
      expect(lines.map(({ level, text }) => [level, text])).toEqual([
        ["ERROR", "features: lookup failed (Lookup): string"]
      ])
    })
  )

  it.effect("a defect is an error that shows the places in the code", () =>
    Effect.gen(function* () {
      const [line] = yield* logged({
        kind: "Policy",
        operation: "timeToLive",
        cause: Cause.die(new TypeError("canary"))
      })
      expect(line?.level).toBe("ERROR")
      expect(line?.text.split("\n")[0]).toBe(
        "features: timeToLive failed (Policy), answered without it: died with TypeError"
      )
      expect(line?.text.split("\n")[1]).toMatch(/^ +at .*Reporter\.test\.ts:\d+/)
    })
  )

  it.effect("no message, field or cause of an application's error is in the line", () =>
    Effect.gen(function* () {
      const multiline = new Error("first canary\n    at canary (/canary.ts:1:1)\n    at canary (/canary.ts:2:1)")
      const nested = new RowRefused("canary", { cause: new Error("canary", { cause: { detail: "canary" } }) })
      for (const error of ["canary", { canary: "canary" }, nested, multiline, new Map([["canary", "canary"]])]) {
        for (const cause of [
          Cause.fail(error),
          Cause.die(error),
          Cause.parallel(Cause.fail(error), Cause.die(error))
        ]) {
          const lines = yield* logged({ surfaced: true, cause })
          expect(lines).toHaveLength(1)
          expect(JSON.stringify(lines)).not.toContain("canary")
        }
      }
    })
  )

  it.effect("the chain of causes is named", () =>
    Effect.gen(function* () {
      const error = new RowRefused("canary", { cause: new RangeError("canary", { cause: { _tag: "Deepest" } }) })
      const [line] = yield* logged({ cause: Cause.fail(error) })
      expect(line?.text).toMatch(/: RowRefused, caused by RangeError, caused by Deepest$/)
    })
  )

  it.effect("a chain of causes that is a ring ends", () =>
    Effect.gen(function* () {
      const ring = new Error("canary")
      ring.cause = ring
      const [line] = yield* logged({ cause: Cause.fail(ring) })
      expect(line?.text.match(/Error/g)).toHaveLength(5)
    })
  )

  it.effect("an interruption is not logged, a failure beside it is", () =>
    Effect.gen(function* () {
      const interrupted = Cause.interrupt(FiberId.none)
      expect(yield* logged({ cause: interrupted })).toEqual([])
      expect(yield* logged({ cause: Cause.parallel(interrupted, interrupted) })).toEqual([])
      expect(yield* logged({ cause: Cause.parallel(Cause.fail("e"), interrupted) })).toHaveLength(1)
    })
  )

  it.effect("a defect whose chain of causes is a ring is logged", () =>
    Effect.gen(function* () {
      const ring = new Error("canary")
      ring.cause = ring
      expect(yield* logged({ cause: Cause.die(ring) })).toHaveLength(1)
    })
  )

  it.effect("an error that throws when it is looked at is logged as unreadable", () =>
    Effect.gen(function* () {
      for (const cause of [Cause.fail(hostile), Cause.die(hostile)]) {
        const lines = yield* logged({ cause })
        expect(lines.map(({ text }) => text.split(" ").at(-1))).toEqual(["unreadable"])
      }
    })
  )

  it.effect("a logger that throws does not fail the report", () =>
    Effect.gen(function* () {
      const broken = Logger.make(() => {
        throw new Error("disk full")
      })
      const layer = Layer.merge(Reporter.layerLog, Logger.replace(Logger.defaultLogger, broken))
      expect(Exit.isSuccess(yield* Effect.exit(Effect.provide(report(), layer)))).toBe(true)
    })
  )
})

describe("Reporter / recovered", () => {
  const recovered = (recovery: Partial<Reporter.CacheRecovery> = {}) =>
    Effect.flatMap(
      Reporter.Reporter,
      (reporter) =>
        reporter.recovered?.({ cache: "features", operation: "read", millis: 123_000, ...recovery }) ??
        Effect.die("none")
    )

  it.effect("is information that says what works again, where, and after how long", () => {
    const { layer, lines } = capture()
    return Effect.gen(function* () {
      yield* recovered()
      yield* recovered({ cache: "*", operation: "invalidate", millis: 0 })
      expect(lines).toEqual([
        {
          level: "INFO",
          text: "features: read works again (Store), after 2m 3s",
          annotations: { cache: "features", operation: "read", kind: "Store" }
        },
        {
          level: "INFO",
          text: "all caches: invalidate works again (Store), after 0",
          annotations: { cache: "*", operation: "invalidate", kind: "Store" }
        }
      ])
    }).pipe(Effect.provide(layer))
  })

  it.effect("is limited as its failures are, beside them", () => {
    const { layer, lines } = capture({ burst: 1 })
    return Effect.gen(function* () {
      for (let i = 0; i < 3; i++) {
        yield* report()
        yield* recovered()
      }
      expect(lines.map(({ level }) => level)).toEqual(["WARN", "INFO"])
      yield* TestClock.adjust("1 minute")
      yield* recovered()
      expect(lines[2]?.text).toMatch(/ \(and 2 more not logged\)$/)
    }).pipe(Effect.provide(layer))
  })
})

describe("Reporter / rate limit", () => {
  it.effect("five of a sort are logged in a minute, and the next line says how many were not", () => {
    const { layer, lines } = capture()
    return Effect.gen(function* () {
      for (let i = 0; i < 12; i++) yield* report()
      expect(lines).toHaveLength(5)
      yield* TestClock.adjust("59999 millis")
      yield* report()
      expect(lines).toHaveLength(5)
      yield* TestClock.adjust("1 millis")
      yield* report()
      expect(lines).toHaveLength(6)
      expect(lines[5]?.text).toMatch(/ \(and 8 more not logged\)$/)
      expect(lines[5]?.annotations["suppressed"]).toBe(8)
      yield* report()
      expect(lines[6]?.annotations).not.toHaveProperty("suppressed")
    }).pipe(Effect.provide(layer))
  })

  it.effect("another kind, cache or operation has a limit of its own", () => {
    const { layer, lines } = capture({ burst: 1 })
    return Effect.gen(function* () {
      for (let i = 0; i < 3; i++) {
        yield* report()
        yield* report({ kind: "Codec" })
        yield* report({ cache: "users" })
        yield* report({ operation: "fill" })
      }
      expect(lines).toHaveLength(4)
    }).pipe(Effect.provide(layer))
  })

  it.effect("a clock that is set back does not silence the log", () => {
    const { layer, lines } = capture({ burst: 1 })
    return Effect.gen(function* () {
      yield* TestClock.setTime(1_000_000)
      yield* report()
      yield* TestClock.setTime(5)
      yield* report()
      expect(lines).toHaveLength(2)
    }).pipe(Effect.provide(layer))
  })

  it.effect("buckets are bounded: what finds none shares one, and nothing suppressed is forgotten", () =>
    Effect.gen(function* () {
      const admit = Reporter.rateLimit({ burst: 1, windowMillis: 100, maximumBuckets: 2 })
      const ask = (bucket: string) => Effect.map(admit(bucket), (some) => (some._tag === "Some" ? some.value : "held"))
      expect(yield* Effect.forEach(["a", "b", "c", "d", "a"], ask)).toEqual([0, 0, 0, "held", "held"])
      yield* TestClock.adjust("100 millis")
      // "c" takes the place of "a", whose window closed; what was held back of "a" goes to those who share.
      expect(yield* Effect.forEach(["c", "b", "e"], ask)).toEqual([0, 0, 2])
    })
  )

  it.each([
    ["zero lets nothing pass", { burst: 0 }, 0],
    ["a negative one lets nothing pass", { burst: -1 }, 0],
    ["infinity lets everything pass", { burst: Number.POSITIVE_INFINITY }, 9],
    ["what is no number means the default", { burst: Number.NaN }, 5],
    ["a window of zero limits nothing", { windowMillis: 0 }, 9]
  ])("%s", (_, options, expected) => {
    const { layer, lines } = capture(options)
    Effect.runSync(Effect.provide(Effect.repeatN(report(), 8), layer))
    expect(lines).toHaveLength(expected)
  })

  it.effect("two places where the layer is built have limits of their own", () => {
    const { layer, lines } = capture()
    return Effect.gen(function* () {
      const limited = Reporter.layerLogWith({ burst: 1 })
      yield* Effect.provide(Effect.zipRight(report(), report()), limited)
      yield* Effect.provide(Effect.zipRight(report(), report()), limited)
      expect(lines).toHaveLength(2)
    }).pipe(Effect.provide(layer))
  })
})

describe("Reporter / layerNoop", () => {
  it.effect("tells nobody", () => {
    const { layer, lines } = capture()
    return Effect.gen(function* () {
      yield* report({ cause: Cause.die(new CodecError({ reason: "Decode", detail: "" })) })
      expect(lines).toEqual([])
    }).pipe(Effect.provide(Layer.merge(layer, Reporter.layerNoop)))
  })
})
