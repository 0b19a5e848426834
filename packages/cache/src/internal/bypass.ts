/**
 * Whether a call runs where nothing it reads may be shared: inside a transaction of `@effect/sql`, what a lookup sees
 * may never be committed. The tag is known by its key, so that this package does not depend on `@effect/sql`.
 */
import type * as Context from "effect/Context"

const transaction = "@effect/sql/SqlClient/TransactionConnection"

export const inTransaction = (context: Context.Context<never>): boolean => context.unsafeMap.has(transaction)
