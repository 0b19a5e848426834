/**
 * Which errors Sentry has been told of already.
 *
 * Sentry's own `captureException` leaves a hidden mark on an error and passes over those that have it. Reading and
 * leaving the same mark makes one event of an error that nested caches report, and that the application then captures
 * itself. Effect may hand out the error behind a proxy, so the original is what counts.
 */
import * as Cause from "effect/Cause"
import * as Option from "effect/Option"

const mark = "__sentry_captured__"

export interface Captured {
  readonly has: (error: unknown) => boolean
  readonly add: (error: unknown) => unknown
}

export const make = (): Captured => {
  // A frozen error takes no mark.
  const unmarkable = new WeakSet<object>()
  const original = (error: unknown): object | undefined =>
    typeof error === "object" && error !== null ? Cause.originalError(error) : undefined

  const isMarked = (error: unknown): boolean => {
    const one = original(error)
    return one !== undefined && (unmarkable.has(one) || Reflect.get(one, mark) === true)
  }

  const leaveMark = (error: unknown): void => {
    const one = original(error)
    if (one === undefined) return
    const marked = Reflect.defineProperty(one, mark, { value: true, writable: true, configurable: true })
    if (!marked) unmarkable.add(one)
  }

  // A proxy of the application may throw at either; then the error is told, and not remembered.
  return {
    has: (error) => Option.getOrElse(Option.liftThrowable(isMarked)(error), () => false),
    add: Option.liftThrowable(leaveMark)
  }
}
