import { KeyValueStore } from "@effect/platform"
import { NodeContext } from "@effect/platform-node"
import { expect, it } from "@effect/vitest"
import { Cache, CacheError, CacheKey, Reporter, Store } from "@larder/cache"
import { Faults } from "@larder/testing"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { describe } from "vitest"
import { PlatformJournal } from "../src/index.js"
import * as Place from "./support/keyValueStore.js"

const key = CacheKey.make({ prefix: "users", key: (id: number) => ["id", id], schema: Schema.String })(1)
const stored = { timeToLive: "1 hour", awaitWrite: true } as const

const folder = Effect.acquireRelease(
  Effect.sync(() => Fs.mkdtempSync(Path.join(Os.tmpdir(), "larder-journal-"))),
  (path) => Effect.sync(() => Fs.rmSync(path, { recursive: true }))
)

describe("PlatformJournal", () => {
  it.scopedLive("over a folder: what one process could not invalidate the next one hides and replays", () =>
    Effect.gen(function* () {
      const files = Layer.provide(KeyValueStore.layerFileSystem(yield* folder), NodeContext.layer)
      const shared = yield* Layer.build(Layer.provideMerge(Faults.layer, Store.layerMemory))
      const faults = Context.get(shared, Faults.Faults)
      const process = Layer.unwrapEffect(
        Effect.map(PlatformJournal.make(), (journal) => Cache.layerWith({ journal }))
      ).pipe(Layer.provide([Layer.succeedContext(shared), Reporter.layerNoop, files]), Layer.fresh)
      const find = (value: string) =>
        Effect.flatMap(Cache.Cache, (cache) => cache.getOrSet(key, Effect.succeed(value), stored))

      yield* Effect.provide(find("old"), process)
      yield* faults.set({ fault: Faults.fail(), span: "onwards" })
      yield* Effect.provide(
        Effect.flatMap(Cache.Cache, (cache) => Effect.flip(cache.invalidate(key))),
        process
      )
      yield* faults.clear
      expect(yield* Effect.provide(find("new"), process)).toBe("new")
      expect(yield* Effect.provide(find("newer"), process)).not.toBe("old")
    })
  )

  it.scopedLive("in a file: no file is no text, and what is saved takes the place of what was there", () =>
    Effect.gen(function* () {
      const file = Path.join(yield* folder, "deep", "web-1.journal")
      const one = yield* PlatformJournal.makeFile(file)
      expect(yield* one.load).toBeUndefined()
      for (const text of ["a long text", "another", "third"]) {
        yield* one.save(text)
        expect(Fs.readFileSync(file, "utf8")).toBe(text)
        expect(Fs.readdirSync(Path.dirname(file))).toEqual(["web-1.journal"])
      }
      expect(yield* (yield* PlatformJournal.makeFile(file)).load).toBe("third")
    }).pipe(Effect.provide(NodeContext.layer))
  )

  it.scopedLive("in a file: whoever reads while it is saved finds one whole text or the other", () =>
    Effect.gen(function* () {
      const file = Path.join(yield* folder, "web-1.journal")
      const one = yield* PlatformJournal.makeFile(file)
      const texts = ["a", "b"].map((letter) => letter.repeat(200_000))
      yield* one.save(texts[0]!)
      const saving = yield* Effect.fork(Effect.forEach(Array.from({ length: 40 }), (_, i) => one.save(texts[i % 2]!)))
      let reads = 0
      while (saving.unsafePoll() === null) {
        expect(texts).toContain(yield* one.load)
        reads += 1
      }
      expect(reads).toBeGreaterThan(5)
    }).pipe(Effect.provide(NodeContext.layer))
  )

  it.scopedLive("in a file: what cannot be read or written is a failure, and nothing of a path in it", () =>
    Effect.gen(function* () {
      const secret = Path.join(yield* folder, "secret")
      Fs.mkdirSync(secret)
      // A folder is no file.
      const one = yield* PlatformJournal.makeFile(secret)
      for (const [operation, effect] of [
        ["load", one.load],
        ["save", one.save("text")]
      ] as const) {
        const error = yield* Effect.flip(effect as Effect.Effect<unknown, CacheError.StoreError>)
        expect([error.store, error.operation]).toEqual(["file", operation])
        expect(JSON.stringify(error)).not.toContain("secret")
      }
    }).pipe(Effect.provide(NodeContext.layer))
  )

  it.effect("names and failures: a name of its own, no text is none, nothing of a path in an error", () =>
    Effect.gen(function* () {
      const { behaviour, calls, store } = Place.make()
      const one = yield* Effect.provideService(
        PlatformJournal.make({ name: "web-1" }),
        KeyValueStore.KeyValueStore,
        store
      )
      expect(yield* one.load).toBeUndefined()
      yield* one.save("text")
      expect(yield* one.load).toBe("text")
      expect(calls.map(([, name]) => name)).toEqual(["web-1", "web-1", "web-1"])
      behaviour.before = Place.broken
      const error = yield* Effect.flip(one.save("text"))
      expect(error).toBeInstanceOf(CacheError.StoreError)
      expect(JSON.stringify(error)).not.toContain("secret")
      expect((yield* Effect.flip(one.load)).operation).toBe("load")
    })
  )
})
