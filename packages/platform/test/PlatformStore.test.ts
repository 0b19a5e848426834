import { FileSystem, KeyValueStore } from "@effect/platform"
import { NodeContext } from "@effect/platform-node"
import { StoreSuite } from "@larder/testing"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
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
