/**
 * Whether a value is what a comment `// => …` says it is.
 */
import * as Equal from "effect/Equal"
import { inspect, isDeepStrictEqual } from "node:util"

/** What an instrumented example calls for each claim; answers the value, so that it can stand in its place. */
export type Check = (
  line: number,
  value: unknown,
  expected: (() => unknown) | undefined,
  text: string,
  printed: boolean
) => unknown

/** The value as one line, as Node prints it. */
export const show = (value: unknown): string =>
  inspect(value, { depth: 10, breakLength: Number.POSITIVE_INFINITY, compact: true })

/**
 * The claim is an expression of the example's own names (`Option.some(1)`, `{ id: 1 }`), or the text that Node prints
 * for the value (`User { id: 1 }`); of what is printed, the characters.
 *
 * Effect's own equality decides where a value has one, since structural comparison of an `Option` by other means can
 * find that some equals none.
 */
export const holds = (
  value: unknown,
  expected: (() => unknown) | undefined,
  text: string,
  printed = false
): boolean => {
  if (text === show(value) || (printed && text === value)) return true
  if (expected === undefined) return false
  let wanted: unknown
  try {
    wanted = expected()
  } catch {
    return false
  }
  return Equal.equals(value, wanted) || isDeepStrictEqual(value, wanted)
}
