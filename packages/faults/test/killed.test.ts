/** A process that is killed after its database has the write and before the store knows of it: what others are answered. */
import { describe, expect, layer } from "@effect/vitest"
import * as Cache from "@larder/cache/Cache"
import * as Reporter from "@larder/cache/Reporter"
import * as RedisServer from "@larder/redis-server/RedisServer"
import * as RedisStore from "@larder/redis/RedisStore"
import { describeWithRedis } from "@larder/testing/DescribeWithRedis"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { fork } from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { fileURLToPath } from "node:url"
import { find, type Order } from "./support/writing.js"

class Server extends Context.Tag("test/Server")<Server, { readonly url: string }>() {}

/** Runs a process to its end, and answers what it said, or by which signal it ended. */
const run = (order: Order) =>
  Effect.async<string>((resume) => {
    const file = fileURLToPath(new URL("./support/writer.mjs", import.meta.url))
    const child = fork(file, [JSON.stringify(order)], { execArgv: [] })
    let said: string | undefined
    child.on("message", (message) => void (said = String(message)))
    child.on("exit", (code, signal) => resume(Effect.succeed(said ?? signal ?? `exit ${code}`)))
    return Effect.sync(() => void child.kill("SIGKILL"))
  })

const world = (keepsJournal: boolean) =>
  Effect.gen(function* () {
    const { url } = yield* Server
    const folder = yield* Effect.acquireRelease(
      Effect.sync(() => Fs.mkdtempSync(Path.join(Os.tmpdir(), "larder-killed-"))),
      (path) => Effect.sync(() => Fs.rmSync(path, { recursive: true }))
    )
    const database = Path.join(folder, "database")
    Fs.writeFileSync(database, "Ada")
    const order = {
      redis: url,
      database,
      journal: keepsJournal ? Path.join(folder, "journal") : undefined,
      rename: undefined,
      killed: "never"
    } as const
    const other = yield* Layer.build(
      Cache.layerWith({ storeTimeout: "10 seconds", storeBudget: "20 seconds" }).pipe(
        Layer.provide([RedisStore.layer({ url }), Reporter.layerNoop])
      )
    )
    const cache = Context.get(other, Cache.Cache)
    yield* cache.clear({ prefix: "who" })
    return {
      rename: (to: string, killed: Order["killed"]) => run({ ...order, rename: to, killed }),
      /** What a process answers that starts now. */
      ask: run(order),
      /** What an instance answers that was there all the time. */
      elsewhere: Effect.provide(find(database), other)
    }
  })

describeWithRedis("A process that is killed in the middle of a mutation", () =>
  layer(Layer.scoped(Server, RedisServer.make()), { excludeTestServices: true })((it) => {
    describe("with a journal in a file", () => {
      it.scoped(
        "the next one answers what was written, and from then on so does everybody",
        () =>
          Effect.gen(function* () {
            const { ask, elsewhere, rename } = yield* world(true)
            expect(yield* elsewhere).toBe("Ada")
            expect(yield* rename("Bea", "after the write")).toBe("SIGKILL")
            expect(yield* elsewhere).toBe("Ada")
            expect(yield* ask).toBe("Bea")
            expect(yield* elsewhere).toBe("Bea")
          }),
        60_000
      )

      it.scoped(
        "one that was killed before it wrote costs a miss, and one that came to its end nothing",
        () =>
          Effect.gen(function* () {
            const { ask, elsewhere, rename } = yield* world(true)
            expect(yield* elsewhere).toBe("Ada")
            expect(yield* rename("Bea", "before the write")).toBe("SIGKILL")
            expect(yield* ask).toBe("Ada")
            expect(yield* rename("Cid", "never")).toBe("renamed")
            expect(yield* elsewhere).toBe("Cid")
            expect(yield* ask).toBe("Cid")
          }),
        60_000
      )
    })

    it.scoped(
      "without one nobody knows, until the time to live is over",
      () =>
        Effect.gen(function* () {
          const { ask, elsewhere, rename } = yield* world(false)
          expect(yield* elsewhere).toBe("Ada")
          expect(yield* rename("Bea", "after the write")).toBe("SIGKILL")
          expect(yield* ask).toBe("Ada")
          expect(yield* elsewhere).toBe("Ada")
        }),
      60_000
    )
  })
)
