/**
 * The port that keeps the journal of a cache over a restart: invalidations that the store has not acknowledged.
 *
 * Without one the journal is in the memory of the process, and a process that ends during an outage of the store takes
 * it along: what it could not invalidate is answered by others until its time to live is over.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import type { StoreError } from "./CacheError.js"

/**
 * A place for one text. Each instance needs a place of its own, and finds it again after a restart. `PlatformJournal` of
 * `@larder/platform` makes one; one of your own owes three things:
 *
 * - `load` succeeds with `undefined` where nothing has been saved. A failure means that something may be there: then
 *   everything is hidden and invalidated.
 * - A save replaces the text as a whole, also for who is killed in the middle of it. Saves come one after the other, but
 *   one that takes longer than half a minute is no longer waited for.
 * - What goes wrong is a `StoreError`: `Unavailable` for what may pass, `Rejected` for what will not before somebody does
 *   something about it. Its detail stands in logs: no contents.
 *
 * @example
 * import { CacheError, type JournalStorage } from "@larder/cache"
 * import { Effect } from "effect"
 * import * as Files from "node:fs/promises"
 * import { tmpdir } from "node:os"
 * import { join } from "node:path"
 *
 * const codeOf = (error: unknown) => (error instanceof Error && "code" in error ? String(error.code) : "")
 *
 * const failed = (operation: string) => (error: unknown) => {
 *   const detail = codeOf(error)
 *   const reason = ["EACCES", "EPERM", "EROFS"].includes(detail) ? "Rejected" : "Unavailable"
 *   return new CacheError.StoreError({ store: "journal file", operation, reason, detail })
 * }
 *
 * const inFile = (file: string): JournalStorage.JournalStorage => {
 *   let saves = 0
 *   return {
 *     load: Effect.tryPromise({ try: () => Files.readFile(file, "utf8"), catch: (error) => error }).pipe(
 *       Effect.catchIf((error) => codeOf(error) === "ENOENT", () => Effect.succeed(undefined)),
 *       Effect.mapError(failed("load"))
 *     ),
 *     save: (text) =>
 *       Effect.suspend(() => {
 *         // Two names: a save that is no longer waited for may still be writing to its own.
 *         const next = `${file}.${saves++ % 2}`
 *         const write = Effect.tryPromise({ try: () => Files.writeFile(next, text), catch: failed("save") })
 *         // On one file system a rename puts the whole text in the place of the other, or nothing.
 *         const replace = Effect.tryPromise({ try: () => Files.rename(next, file), catch: failed("save") })
 *         return Effect.zipRight(write, replace)
 *       })
 *   }
 * }
 *
 * const program = Effect.gen(function* () {
 *   const folder = yield* Effect.promise(() => Files.mkdtemp(join(tmpdir(), "journal-")))
 *   const journal = inFile(join(folder, "web-1"))
 *   const before = yield* journal.load
 *   yield* journal.save("what is not acknowledged")
 *   const after = yield* journal.load
 *   yield* Effect.promise(() => Files.rm(folder, { recursive: true }))
 *   const error = yield* Effect.flip(journal.save("too late"))
 *   return { before, after, error: error.message }
 * })
 *
 * await Effect.runPromise(program)
 * // => { before: undefined, after: "what is not acknowledged", error: "journal file: save failed (Unavailable): ENOENT" }
 *
 * @since 0.1.0
 * @category models
 */
export interface JournalStorage {
  /** The text that was saved last; `undefined` when there is none. */
  readonly load: Effect.Effect<string | undefined, StoreError>
  readonly save: (text: string) => Effect.Effect<void, StoreError>
}
