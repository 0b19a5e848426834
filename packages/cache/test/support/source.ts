/**
 * A source whose value is its version. A lookup reads at once and may answer much later: what it has read can be old
 * by then, which is the case that caches get wrong.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

export class SourceDown extends Schema.TaggedError<SourceDown>()("SourceDown", { run: Schema.Number }) {}

/** A lookup that was stopped between reading and answering. */
export interface Held {
  /** Waits until a lookup has read. */
  readonly begun: Effect.Effect<void>
  readonly answer: Effect.Effect<void>
  readonly fail: Effect.Effect<void>
}

export const make = Effect.sync(() => {
  let version = 0
  let runs = 0
  let interrupted = 0
  let down = false
  let next: { readonly begun: Deferred.Deferred<void>; readonly gate: Deferred.Deferred<void, SourceDown> } | undefined

  const lookup: Effect.Effect<string, SourceDown> = Effect.suspend(() => {
    const run = ++runs
    const read = `v${version}`
    const held = next
    next = undefined
    if (held !== undefined) {
      return Deferred.succeed(held.begun, undefined).pipe(Effect.zipRight(Deferred.await(held.gate)), Effect.as(read))
    }
    return down ? Effect.fail(new SourceDown({ run })) : Effect.succeed(read)
  }).pipe(Effect.onInterrupt(() => Effect.sync(() => void interrupted++)))

  /** The next lookup waits between reading and answering; those after it do not. */
  const hold: Effect.Effect<Held> = Effect.gen(function* () {
    const begun = yield* Deferred.make<void>()
    const gate = yield* Deferred.make<void, SourceDown>()
    next = { begun, gate }
    return {
      begun: Deferred.await(begun),
      answer: Effect.asVoid(Deferred.succeed(gate, undefined)),
      fail: Effect.suspend(() => Deferred.fail(gate, new SourceDown({ run: runs })))
    }
  })

  return {
    lookup,
    hold,
    /** Writes a next version, and answers it. */
    change: Effect.sync(() => `v${++version}`),
    setDown: (isDown: boolean) => Effect.sync(() => void (down = isDown)),
    current: () => `v${version}`,
    runs: () => runs,
    interrupted: () => interrupted
  }
})

export type Source = Effect.Effect.Success<typeof make>
