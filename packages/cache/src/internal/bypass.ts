/**
 * Whether a call runs where nothing it reads may be shared: inside a transaction, what a lookup sees may never be
 * committed. A transaction of `@effect/sql` is known by the key of its tag, so that this package does not depend on it;
 * any other by the port through which it keeps fences.
 */
import type * as Context from "effect/Context"
import { AfterCommit } from "../AfterCommit.js"

const transaction = "@effect/sql/SqlClient/TransactionConnection"

export const inTransaction = ({ unsafeMap }: Context.Context<never>): boolean =>
  unsafeMap.has(transaction) || unsafeMap.has(AfterCommit.key)
