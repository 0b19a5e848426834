/**
 * The house has floors, and a file imports from its own floor or from one below, never from one above. A file that is
 * on no floor fails the test: whoever adds one says where it lives.
 *
 * ```
 *  street      who calls: a repository, cached by a plan
 *  5th floor   the cache
 *  4th floor   several tiers as one
 *  3rd floor   one tier
 *  2nd floor   mechanisms
 *  1st floor   ports: what may be swapped
 *  ground      words: plain data
 * ```
 *
 * A file in `internal/` lives on the floor of what it is a part of.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import ts from "typescript-5"
import { describe, expect, it } from "vitest"

const rooms = (names: string): ReadonlyArray<string> => names.trim().split(/\s+/)

const floors: ReadonlyArray<readonly [floor: string, files: ReadonlyArray<string>]> = [
  [
    "ground",
    rooms(`
      CacheEntry CacheError CacheEvent CacheKey CacheMode CachePolicy Epoch
      internal/allowed internal/busWire internal/lru internal/rateLimit internal/token internal/wire internal/within
    `)
  ],
  [
    "1st floor",
    rooms(`
      AfterCommit BroadcastBus InvalidationBus JournalStorage ProcessBus RedisBus RedisClient RedisStore Reporter Store
      internal/broadcastBus internal/busListeners internal/limit internal/logReporter internal/memoryBus
      internal/memoryStore internal/processBus internal/redisBus internal/redisCarrier internal/redisCluster
      internal/redisClusterScripts internal/redisCommands internal/redisEpochs internal/redisFrame internal/redisKeys
      internal/redisLua internal/redisOperations internal/redisOptions internal/redisReads internal/redisScripts internal/redisSingle
      internal/redisStore internal/redisStreamBus internal/turnBatch
    `)
  ],
  [
    "2nd floor",
    rooms(`
      CircuitBreaker Codec SingleFlight
      internal/bypass internal/counts internal/currentLookup internal/decide internal/dependencies internal/fences
      internal/fingerprint internal/hearing internal/journal internal/keptJournal internal/recent
      internal/sequence internal/tally
    `)
  ],
  ["3rd floor", rooms("MemoryTier StoreTier internal/frozen internal/item")],
  ["4th floor", []],
  [
    "5th floor",
    rooms(`
      Cache
      internal/announcing internal/backoff internal/building internal/consequences internal/core internal/departures
      internal/failures internal/fencing internal/heldLeases
      internal/inheriting internal/keeping internal/learning
      internal/leases internal/lookups internal/mutations internal/queries internal/reading internal/recovery internal/requestMemo
      internal/service internal/settings internal/storable internal/storeFailures
    `)
  ],
  ["street", rooms("Repository internal/decorated")]
]

/** The package's front door, which names every room and is not one. */
const door = "index"

/** Adapters are annexes of this floor. Their `<Vendor>Cache.ts` composes layers and may see the whole house. */
const annexes = ["upstash", "redis", "platform", "sentry", "sql"]
const annexFloor = 1

/**
 * What is no adapter below the house but a neighbour of the cache: it stands on a tier, as the cache does, and sees up
 * to that floor.
 */
const neighbours: Readonly<Record<string, ReadonlyArray<string>>> = {
  platform: rooms("StorePersistence internal/guardedStore internal/misses internal/storePersistence")
}
const neighbourFloor = 3

type Files = ReadonlyMap<string, string>

const heightOf = (file: string): number => floors.findIndex(([, files]) => files.includes(file))

const importsOf = (text: string): ReadonlyArray<string> =>
  ts.preProcessFile(text, true, true).importedFiles.map(({ fileName }) => fileName)

/** `./internal/lru.js` in `Codec` is `internal/lru`; `undefined` for what is not in this package. */
const resolve = (from: string, specifier: string): string | undefined =>
  specifier.startsWith(".")
    ? new URL(specifier, `file:///${from}`).pathname.slice(1).replace(/\.js$/, "")
    : /^@larder\/cache\/(.+)$/.exec(specifier)?.[1]

const climbs = (files: Files): ReadonlyArray<string> =>
  [...files]
    .filter(([file]) => file !== door)
    .flatMap(([file, text]) =>
      importsOf(text).flatMap((specifier) => {
        if (specifier === "@larder/cache") return [`${file} imports its own front door`]
        const target = resolve(file, specifier)
        if (target === undefined || heightOf(target) <= heightOf(file)) return []
        const [[below], [above]] = [floors[heightOf(file)]!, floors[heightOf(target)]!]
        return [`${file} (${below}) imports ${target} (${above})`]
      })
    )

const homeless = (files: Files): ReadonlyArray<string> =>
  [...files.keys()].filter((file) => file !== door && heightOf(file) < 0)

/** An adapter may name the cache's modules one by one, of the ground and the first floor, and nothing private. */
const trespasses = (files: Files, upstairs: ReadonlyArray<string> = []): ReadonlyArray<string> =>
  [...files]
    .filter(([file]) => !/^\w+Cache$/.test(file))
    .flatMap(([file, text]) =>
      importsOf(text).flatMap((specifier) => {
        if (specifier === "@larder/cache") return [`${file} imports all of @larder/cache: name the module`]
        const target = /^@larder\/cache\/(.+)$/.exec(specifier)?.[1]
        if (target === undefined) return []
        const height = heightOf(target)
        if (target.startsWith("internal/")) return [`${file} imports ${target} (private)`]
        if (height >= 0 && height <= (upstairs.includes(file) ? neighbourFloor : annexFloor)) return []
        return [`${file} imports ${target} (${floors[height]?.[0] ?? "on no floor"})`]
      })
    )

const filesOf = (folder: string): Files => {
  const path = fileURLToPath(new URL(`../../${folder}/src/`, import.meta.url))
  if (!existsSync(path)) return new Map()
  return new Map(
    readdirSync(path, { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts"))
      .map((file) => [file.replaceAll("\\", "/").slice(0, -".ts".length), readFileSync(path + file, "utf8")])
  )
}

describe("architecture / the house", () => {
  const house = filesOf("cache")

  it("every file lives on a floor", () => {
    expect(homeless(house)).toEqual([])
  })

  it("every file on the table exists", () => {
    expect(floors.flatMap(([, files]) => files).filter((file) => !house.has(file))).toEqual([])
  })

  it("no file imports from a floor above its own", () => {
    expect(climbs(house)).toEqual([])
  })
})

describe("architecture / the annexes", () => {
  it.each(annexes)("%s sees the ground and the first floor only, and what stands on a tier up to that", (folder) => {
    const files = filesOf(folder)
    const upstairs = neighbours[folder] ?? []
    expect(files.size).toBeGreaterThan(0)
    expect(upstairs.filter((file) => !files.has(file))).toEqual([])
    expect(trespasses(files, upstairs)).toEqual([])
  })
})

describe("architecture / the guard itself", () => {
  it("names an import that climbs, also one of a type, of several lines, or at run time", () => {
    const files = new Map([
      ["Store", `import {\n  type Cache\n} from "./Cache.js"`],
      ["Codec", `import type * as Tier from "./StoreTier.js"\nimport * as Store from "./Store.js"`],
      ["internal/lru", `export const later = () => import("../Repository.js")`],
      ["Epoch", `export * from "./internal/decide.js"`]
    ])
    expect(climbs(files)).toEqual([
      "Store (1st floor) imports Cache (5th floor)",
      "Codec (2nd floor) imports StoreTier (3rd floor)",
      "internal/lru (ground) imports Repository (street)",
      "Epoch (ground) imports internal/decide (2nd floor)"
    ])
  })

  it("is not taken in by a package's own name", () => {
    const files = new Map([
      ["Codec", `import { Cache } from "@larder/cache"`],
      ["Store", `import * as Cache from "@larder/cache/Cache"`]
    ])
    expect(climbs(files)).toEqual(["Codec imports its own front door", "Store (1st floor) imports Cache (5th floor)"])
  })

  it("reads code, not the examples in its comments", () => {
    expect(climbs(new Map([["Store", `/**\n * import { Cache } from "./Cache.js"\n */\nexport {}`]]))).toEqual([])
  })

  it("names a file that is on no floor", () => {
    expect(homeless(new Map([["internal/attic", ""]]))).toEqual(["internal/attic"])
  })

  it("lets only the composing file of an adapter see the whole house", () => {
    const all = `import { Cache } from "@larder/cache"\nimport * as Codec from "@larder/cache/Codec"`
    expect(trespasses(new Map([["VendorCache", all]]))).toEqual([])
    expect(trespasses(new Map([["VendorStore", all]]))).toEqual([
      "VendorStore imports all of @larder/cache: name the module",
      "VendorStore imports Codec (2nd floor)"
    ])
    expect(trespasses(new Map([["VendorClient", `import * as x from "@larder/cache/internal/wire"`]]))).toEqual([
      "VendorClient imports internal/wire (private)"
    ])
    const above = `import * as Codec from "@larder/cache/Codec"\nimport * as Cache from "@larder/cache/Cache"`
    expect(trespasses(new Map([["VendorPersistence", above]]), ["VendorPersistence"])).toEqual([
      "VendorPersistence imports Cache (5th floor)"
    ])
  })
})
