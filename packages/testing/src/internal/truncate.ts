/**
 * What is left of a store's answer when its transport cut it short and did not notice. The types still promise the
 * whole: that is the point.
 */
import type * as Store from "@larder/cache/Store"

const cutFound = (found: Store.Found, keep: number): Store.Found =>
  found._tag === "Stored" ? { ...found, bytes: found.bytes.slice(0, keep) } : found

const cutBytes = (answer: unknown, keep: number): unknown => {
  if (typeof answer !== "object" || answer === null) return answer
  if ("found" in answer) return { ...answer, found: cutFound(answer.found as Store.Found, keep) }
  if ("answer" in answer) return { ...answer, answer: cutBytes(answer.answer, keep) }
  return answer
}

/** A list, or the one answer of an operation that answers no list. */
export const cut = <A>(answer: A, part: "Bytes" | "Answers", keep: number): A => {
  if (part === "Bytes") return (Array.isArray(answer) ? answer.map((one) => cutBytes(one, keep)) : answer) as A
  return (Array.isArray(answer) ? answer.slice(0, keep) : undefined) as A
}
