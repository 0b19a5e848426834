/** An answer with an HTTP status other than 200 and a body `{"error"}`. */
import * as Data from "effect/Data"

export class Refusal extends Data.TaggedError("Refusal")<{ readonly status: number; readonly error: string }> {}

export const badRequest = (error: string): Refusal => new Refusal({ status: 400, error })
