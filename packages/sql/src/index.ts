/**
 * Larder and the transactions of `@effect/sql`: invalidations wait for the commit.
 *
 * @since 0.1.0
 */
export * as SqlTransactions from "./SqlTransactions.js"
