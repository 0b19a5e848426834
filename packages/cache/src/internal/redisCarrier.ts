/**
 * What a store and a bus on Redis have in common when one may send for the other: a client and a prefix. With another
 * prefix the bus would count other fences than the store tells of.
 */
import type { RedisClient } from "../RedisClient.js"

const carriers = new WeakMap<RedisClient["Type"], Map<string, object>>()

export const of = (client: RedisClient["Type"], keyPrefix: string): object => {
  const known = carriers.get(client) ?? new Map<string, object>()
  carriers.set(client, known)
  const carrier = known.get(keyPrefix) ?? {}
  known.set(keyPrefix, carrier)
  return carrier
}
