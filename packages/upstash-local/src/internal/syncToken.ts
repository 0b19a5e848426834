/**
 * What `upstash-sync-token` says: how much of the replication stream the server that answered had carried out. A
 * client that sends it back is not shown less.
 *
 * Every answer has a token of its own, and those of another server say nothing here.
 */
import { randomBytes } from "node:crypto"

export interface SyncTokens {
  readonly issue: (offset: number) => string
  /** How much must be seen by whoever sends this; 0 when it is no token of this server. */
  readonly offset: (token: string | undefined) => number
}

export const make = (): SyncTokens => {
  const era = randomBytes(6).toString("hex")
  let issued = 0
  return {
    issue: (offset) => `${era}-${++issued}-${offset}`,
    offset: (token = "") => {
      const [, of, offset] = /^(\w+)-\d+-(\d+)$/.exec(token) ?? []
      return of === era ? Number(offset) : 0
    }
  }
}
