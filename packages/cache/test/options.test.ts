import { describe, expect, it } from "@effect/vitest"
import { strictEqual } from "@effect/vitest/utils"
import {
  BroadcastBus,
  Cache,
  CacheError,
  type JournalStorage,
  ProcessBus,
  RedisBus,
  RedisStore,
  Store
} from "@larder/cache"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"

const message = (make: () => unknown): string => {
  try {
    make()
  } catch (error) {
    if (error instanceof CacheError.ConfigurationError) return error.message
    throw error
  }
  throw new Error("expected a ConfigurationError, and nothing was thrown")
}

const journal: JournalStorage.JournalStorage = { load: Effect.succeed(undefined), save: () => Effect.void }

/** Each option, what it refuses and how that is written, what it takes, and what it says is allowed. */
const options: ReadonlyArray<
  readonly [
    name: string,
    allowed: string,
    refused: ReadonlyArray<readonly [given: unknown, written: string]>,
    taken: ReadonlyArray<unknown>
  ]
> = [
  ...(["storeTimeout", "storeBudget", "lease"] as const).map(
    (name) =>
      [
        name,
        `a duration such as "5 minutes", Duration.minutes(5) or a number of milliseconds, at least 1`,
        [
          ["abc", `"abc"`],
          ["1 fortnight", `"1 fortnight"`],
          [0, "0"],
          [-5, "-5"],
          [0.5, "0.5"],
          [-5n, "-5"],
          [[-1, 0], "a list"],
          [NaN, "NaN"],
          ["-1 second", `"-1 second"`],
          [Duration.zero, "0"],
          [{}, "an object"],
          [null, "null"],
          [true, "true"],
          [Effect.never, "an object"],
          [() => 5, "a function"],
          ["x".repeat(99), `"${"x".repeat(50)}…"`]
        ],
        [1, "5 seconds", Infinity, Duration.minutes(1), 5_000_000n, [2, 0]]
      ] as const
  ),
  ...(["leaseWait", "recall", "memory.timeToLive"] as const).map(
    (name) =>
      [
        name,
        `a duration such as "5 minutes", Duration.minutes(5) or a number of milliseconds, at least 0`,
        [
          ["soon", `"soon"`],
          [-1, "-1"]
        ],
        [0, "1 second"]
      ] as const
  ),
  ...(["maximumFlights", "maximumPending"] as const).map(
    (name) =>
      [
        name,
        "a whole number, at least 0, or Infinity",
        [
          [NaN, "NaN"],
          [-1, "-1"],
          [1.5, "1.5"],
          ["10", `"10"`]
        ],
        [0, 1, Infinity]
      ] as const
  ),
  ...(["memory.maximumEntries", "breaker.failures"] as const).map(
    (name) =>
      [
        name,
        "a whole number, at least 1, or Infinity",
        [
          [0, "0"],
          [-1, "-1"],
          [NaN, "NaN"]
        ],
        [1, Infinity]
      ] as const
  ),
  [
    "memory.maximumWeight",
    "a number from 1",
    [
      [0, "0"],
      [NaN, "NaN"]
    ],
    [1, 1.5, Infinity]
  ],
  ...(["breaker.pauseMillis", "breaker.maximumPauseMillis"] as const).map(
    (name) =>
      [
        name,
        "a number from 0",
        [
          [-1, "-1"],
          ["1 second", `"1 second"`]
        ],
        [0, 10]
      ] as const
  ),
  ["memory.isolation", `one of "copy", "freeze", "share"`, [["clone", `"clone"`]], ["copy", "freeze", "share"]],
  [
    "memory",
    "an object of maximumEntries, maximumWeight, timeToLive, isolation",
    [
      ["on", `"on"`],
      [1, "1"],
      [[], "a list"]
    ],
    [true, false, {}]
  ],
  ["breaker", "an object of failures, pauseMillis, maximumPauseMillis", [[5, "5"]], [{}]],
  [
    "journal",
    "a JournalStorage, an object with the effect `load` and the function `save`, such as one of PlatformJournal",
    [
      [{}, "an object"],
      ["/tmp/journal", `"/tmp/journal"`],
      [{ ...journal, save: undefined }, "an object"],
      [{ ...journal, load: () => journal.load }, "an object"]
    ],
    [journal]
  ],
  [
    "enabled",
    "true or false",
    [
      ["false", `"false"`],
      [1, "1"]
    ],
    [true, false]
  ],
  ["waitUntil", "a function that takes a promise", [[true, "true"]], [() => undefined]]
]

const nested = (name: string, given: unknown): Cache.Options => {
  const [outer, inner] = name.split(".")
  // What is not usable has no type.
  return { [outer!]: inner === undefined ? given : { [inner]: given } } as Cache.Options
}

describe.each([
  ["layerWith", Cache.layerWith],
  ["layerWithBus", Cache.layerWithBus]
] as const)("Cache / options of %s", (_, layer) => {
  it.each(
    options.flatMap(([name, allowed, refused]) =>
      refused.map(([given, written]) => [name, written, allowed, given] as const)
    )
  )("%s refuses %s where the layer is made, by its name, with what is allowed: %s", (name, written, allowed, given) => {
    strictEqual(
      message(() => layer(nested(name, given))),
      `${name}: expected ${allowed}, got ${written}`
    )
  })

  it.each(options.flatMap(([name, , , taken]) => [undefined, ...taken].map((given) => [name, given] as const)))(
    "%s takes %o",
    (name, given) => {
      expect(Layer.isLayer(layer(nested(name, given)))).toBe(true)
    }
  )

  it("what is no object is refused", () => {
    strictEqual(message(() => layer("fast" as never)).startsWith("options: expected an object of storeTimeout,"), true)
  })
})

describe("Store / options of layerMemoryWith", () => {
  it.each([0, -1, NaN, 1.5, "10"])("%o keys are refused where the layer is made", (maximumKeys) => {
    const make = () => Store.layerMemoryWith({ maximumKeys: maximumKeys as number })
    expect(message(make)).toMatch(/^maximumKeys: expected a whole number, at least 1, or Infinity, got /)
  })
})

const busOptions = [
  ["bus", "stream", `one of "PubSub", "Stream", got "stream"`],
  ["bus", "Kafka", `one of "PubSub", "Stream", got "Kafka"`],
  ["pollInterval", "often", /^a duration such as .*, at least 10, got "often"$/],
  ["pollInterval", 9, /, at least 10, got 9$/],
  ["tracking", "yes", `true or false, got "yes"`],
  ["keyPrefix", "{a}:", `a text without braces, got "{a}:"`],
  ["keyPrefix", 7, `a text without braces, got 7`]
] as const

describe("RedisBus / options", () => {
  it.each(busOptions)("%s refuses %o where the layer is made", (name, given, expected) => {
    const said = message(() => RedisBus.layerWith({ [name]: given }))
    strictEqual(said.startsWith(`${name}: expected `), true)
    expect(said.slice(`${name}: expected `.length)).toMatch(expected)
  })

  it.each(busOptions)("an adapter's %s that is %o is an error of the configuration", (name, given) => {
    const checked = RedisBus.checked({ [name]: given })
    const error = Either.getOrThrow(Either.flip(checked))
    expect(error).toMatchObject({ _op: "InvalidData", path: [name] })
  })

  it("what is usable is taken as it is", () => {
    const given = { bus: "Stream", pollInterval: 10, keyPrefix: "", tracking: false, url: "elsewhere" } as const
    strictEqual(Either.getOrThrow(RedisBus.checked(given)), given)
    expect(Layer.isLayer(RedisBus.layerWith(given))).toBe(true)
  })
})

describe("RedisStore / options", () => {
  it.each(["{a}:", 7])("a prefix that is %o is refused where the layer is made", (keyPrefix) => {
    expect(message(() => RedisStore.layerWith({ keyPrefix: keyPrefix as string }))).toMatch(
      /^keyPrefix: expected a text without braces, got /
    )
  })
})

describe.each([
  ["BroadcastBus.layerWith", BroadcastBus.layerWith],
  ["ProcessBus.layer", (options: ProcessBus.Options) => ProcessBus.layer(process as ProcessBus.Parent, options)],
  ["ProcessBus.makeRelay", ProcessBus.makeRelay]
] as const)("%s / options", (_, make) => {
  it.each(["", 7])("a channel that is %o is refused where it is made", (channel) => {
    expect(message(() => make({ channel: channel as string }))).toMatch(
      /^channel: expected a text that is not empty, got /
    )
  })
})
