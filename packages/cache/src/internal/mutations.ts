/**
 * An effect that writes the source, and the fence that follows it however it ended, since the write may have happened.
 *
 *     save what it may make invalid ─► write ─► fence ─► take back what was saved
 *
 * Who is killed on the way leaves behind what the next process invalidates, where the journal has a place. In a
 * transaction the fence waits for the commit, and so does the rest: `AfterCommit.Fence.announce`.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import { AfterCommit } from "../AfterCommit.js"
import type { FenceRequest } from "../Store.js"
import type { Core } from "./core.js"
import { fence } from "./fencing.js"

/** While this effect runs, who is killed leaves behind that this is to be invalidated. */
export const announced = <A, E, R>(
  core: Core,
  request: () => FenceRequest,
  effect: Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> => {
  const { announce } = core.journal
  return announce === undefined
    ? effect
    : Effect.contextWithEffect((context: Context.Context<never>) =>
        Option.isSome(Context.getOption(context, AfterCommit))
          ? effect
          : Effect.acquireUseRelease(
              Effect.suspend(() => announce(request())),
              () => effect,
              (takeBack) => takeBack
            )
      )
}

export interface Mutation<A, E, R> {
  readonly effect: Effect.Effect<A, E, R>
  /** The cache it belongs to, for reports. */
  readonly cache: string
  /** What it makes invalid. `None`: it failed, died, was interrupted, or has not begun. May throw. */
  readonly requestOf: (result: Option.Option<A>) => FenceRequest
  /** What is invalidated when that throws. */
  readonly otherwise: FenceRequest
}

/** Fails with the effect's own failure only: what the store did not acknowledge is reported, hidden and replayed. */
export const mutate = <A, E, R>(
  core: Core,
  { cache, effect, otherwise, requestOf }: Mutation<A, E, R>
): Effect.Effect<A, E, R> => {
  const requested = (result: Option.Option<A>) =>
    Either.try({ try: () => requestOf(result), catch: (mistake) => mistake })
  const whole = Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(Effect.exit(restore(effect)), (exit) => {
      const request = requested(Exit.isSuccess(exit) ? Option.some(exit.value) : Option.none())
      const tell = Either.isRight(request)
        ? Effect.void
        : core.report({
            kind: "Policy",
            cache,
            operation: "invalidates",
            surfaced: false,
            cause: Cause.die(request.left)
          })
      const invalidate = fence(
        core,
        "invalidate",
        cache,
        Either.getOrElse(request, () => otherwise)
      )
      const tellOfEffect = Exit.isSuccess(exit)
        ? Effect.void
        : core.report({ kind: "Lookup", cache, operation: "mutation", surfaced: true, cause: exit.cause })
      return tell.pipe(Effect.zipRight(Effect.ignore(invalidate)), Effect.zipRight(tellOfEffect), Effect.zipRight(exit))
    })
  )
  return announced(core, () => Either.getOrElse(requested(Option.none()), () => otherwise), whole)
}
