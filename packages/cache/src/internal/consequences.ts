/**
 * What a failure of the store, of the bus, or of the place where the journal is kept means for those who use the cache,
 * in words for an operator. Operations that are not here are those that somebody was answered without.
 */
const repeated = "hidden here, and repeated until it is acknowledged"
const others = "values in memory are answered for their own time at most"

const consequences: Readonly<Record<string, string>> = {
  lease: "looked up and not stored",
  fill: "answered and not stored",
  renew: "another instance may look it up too",
  release: "others wait for the end of the lease",
  capture: "not stored",
  commit: repeated,
  invalidate: repeated,
  expire: repeated,
  publish: `others are not told: ${repeated}`,
  beat: `whether others are heard is not known: ${others}`,
  listen: `others are not heard: ${others}`,
  track: `others are not heard: ${others}`,
  load: "everything is hidden, and invalidated until that is acknowledged",
  save: "the end of this process would lose what is not acknowledged"
}

export const of = (operation: string): string | undefined =>
  Object.hasOwn(consequences, operation) ? consequences[operation] : undefined

/** A refresh whose value the store did not take: nothing was written, so nothing is to be hidden. */
export const ofRefresh = "not stored, the older value may stay"
