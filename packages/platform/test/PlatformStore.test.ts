import { FileSystem, KeyValueStore } from "@effect/platform"
import { NodeContext } from "@effect/platform-node"
import { StoreSuite } from "@larder/testing"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"
import { PlatformStore } from "../src/index.js"

const folder = Layer.unwrapScoped(
  Effect.gen(function* () {
    const files = yield* FileSystem.FileSystem
    return KeyValueStore.layerFileSystem(yield* files.makeTempDirectoryScoped())
  })
).pipe(Layer.provide(NodeContext.layer))

const suite = <E>(name: string, over: Layer.Layer<KeyValueStore.KeyValueStore, E>) =>
  StoreSuite.suite(name, PlatformStore.layer.pipe(Layer.provideMerge(over)), {
    advance: TestClock.adjust,
    capabilities: {
      sharedFences: { lacking: "fences hold within one process: they are in its memory" },
      survivesRestart: true
    },
    another: PlatformStore.layerWith({ prefix: "again.", keepAcrossRestarts: true })
  })

suite("KeyValueStore in memory", KeyValueStore.layerMemory)
suite("KeyValueStore in a folder", folder)

/** As browsers have it: texts only, and bytes in base64. */
const textOnly = Layer.sync(KeyValueStore.KeyValueStore, () => {
  const contents = new Map<string, string>()
  return KeyValueStore.makeStringOnly({
    get: (key) => Effect.sync(() => Option.fromNullable(contents.get(key))),
    set: (key, value) => Effect.sync(() => contents.set(key, value)),
    remove: (key) => Effect.sync(() => contents.delete(key)),
    clear: Effect.sync(() => contents.clear()),
    size: Effect.sync(() => contents.size)
  })
})
suite("KeyValueStore of texts", textOnly)
