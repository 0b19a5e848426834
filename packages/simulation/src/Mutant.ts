/**
 * Mutants: the cache with one rule broken. Each is a replacement of exact text, so that one that no longer fits the
 * sources says so.
 */
export interface Edit {
  /** In `packages/cache/src`. */
  readonly file: string
  readonly find: string
  readonly put: string
}

export interface Mutant {
  readonly name: string
  /** The rule of the protocol that it breaks. */
  readonly breaks: string
  readonly edits: ReadonlyArray<Edit>
}

const mutant = (
  name: string,
  breaks: string,
  ...edits: ReadonlyArray<readonly [file: string, find: string, put: string]>
) => ({
  name,
  breaks,
  edits: edits.map(([file, find, put]): Edit => ({ file, find, put }))
})

const store = "internal/memoryStore.ts"
const memory = "MemoryTier.ts"
const building = "internal/building.ts"
const hearing = "internal/hearing.ts"
const announcing = "internal/announcing.ts"
const departures = "internal/departures.ts"
const fencing = "internal/fencing.ts"
const lookups = "internal/lookups.ts"
const mutations = "internal/mutations.ts"
const recovery = "internal/recovery.ts"

export const all: ReadonlyArray<Mutant> = [
  mutant(
    "stamps-after-the-lookup",
    "R7",
    [
      store,
      `if (entry?.leases.get(shape)?.token !== request.lease.token) return "Refused"`,
      `if (entry === undefined) return "Refused"`
    ],
    [
      store,
      `const stands = standing(entry, shape, now) !== undefined && unchanged(entry, stamps)`,
      `const stands = true`
    ],
    [
      store,
      `bytes, stamps: { key: stamps.key, tags }, expiresAtMillis })\n      return "Stored"`,
      `bytes, stamps: { key: keyEpoch(entry, request.lease.token), tags: tags.map(([tag]) => [tag, tagEpoch(tag, request.lease.token)] as const) }, expiresAtMillis })\n      return "Stored"`
    ]
  ),
  mutant(
    "fill-without-its-lease",
    "R8",
    [
      store,
      `if (entry?.leases.get(shape)?.token !== request.lease.token) return "Refused"`,
      `const other = entry?.leases.get(shape)\n      if (entry === undefined || other === undefined) return "Refused"`
    ],
    [
      store,
      `const { key, shape, stamps } = request.lease\n      const entry = entries.get(key)`,
      `const { key, shape } = request.lease\n      const entry = entries.get(key)\n      const stamps = entry?.leases.get(shape)?.stamps ?? request.lease.stamps`
    ]
  ),
  mutant("learnt-tag-unchecked", "R9", [
    store,
    `refused ||= before === undefined ? moved : Epoch.changedAt(epoch).n > since.n`,
    `refused = false && moved`
  ]),
  mutant("learnt-tag-missing-accepted", "R9", [
    store,
    `before === undefined ? moved : Epoch`,
    `before === undefined ? moved && false : Epoch`
  ]),
  mutant("missing-epoch-accepted", "R1", [
    "Epoch.ts",
    `const one = compare(stamp, current.tags.get(tag), currentEra)`,
    `const one = current.tags.has(tag) ? compare(stamp, current.tags.get(tag), currentEra) : "Current"`
  ]),
  mutant(
    "epoch-compared-by-clock",
    "R1",
    [store, `import * as Lru from "./lru.js"`, `import * as Codec from "../Codec.js"\nimport * as Lru from "./lru.js"`],
    [
      store,
      `let counter = token.freshCounter()\n`,
      `let counter = token.freshCounter()\n    const fencedAt = new Map<string, number>()\n`
    ],
    [
      store,
      `for (const { key } of request.keys) entries.delete(key)\n      for (const tag of tagsOf(request)) tagEpochs.delete(tag)`,
      `for (const tag of tagsOf(request)) fencedAt.set(tag, now)`
    ],
    [store, `const invalidate = (request: FenceRequest)`, `const invalidate = (request: FenceRequest, now: number)`],
    [store, `Effect.sync(() => invalidate(request))`, `atomically((now) => invalidate(request, now))`],
    [
      store,
      `const value = valueOf(entry, request.shape, now)\n      // Plain`,
      `const some = valueOf(entry, request.shape, now)\n      const opened = some && Codec.open(some.bytes)\n      const readAt = opened === undefined ? 0 : opened.createdAtMillis - opened.lookupMillis\n      const names = [request.key, ...(some?.stamps.tags ?? []).map(([tag]) => tag)]\n      const value = names.every((name) => (fencedAt.get(name) ?? -1) < readAt) ? some : undefined\n      // Plain`
    ]
  ),
  mutant("lease-beside-a-lease", "R6", [
    store,
    `if (request.shared !== true) return busy`,
    `if (request.shared === true && stands.token === "") return busy`
  ]),
  mutant("blind-set", "R13", [
    store,
    `counter.era === since.era && unchanged(entries.get(key), stamps)`,
    `counter.era === since.era`
  ]),
  mutant(
    "set-keeps-the-epoch",
    "R13",
    [store, `entries.delete(key)\n      tagEpochs.delete(key)\n      const id = token`, `const id = token`],
    [store, `entry.epoch = id\n`, `const kept = (entry.epoch ??= id)\n`],
    [store, `stamps: { key: id, tags }`, `stamps: { key: kept, tags }`]
  ),
  mutant(
    "promotion-without-the-fence",
    "R17",
    [memory, `|| fences.fellSince(since, names)) return false\n      if (weigh`, `) return false\n      if (weigh`],
    [memory, `clearUntil: since, live`, `clearUntil: fences.now() + 0 * since, live`]
  ),
  mutant("refused-fill-promoted", "R17", [lookups, `if (outcomes[i] === "Stored" && content`, `if (content`]),
  mutant(
    "refresh-behind-unfenced",
    "R7",
    [
      lookups,
      `const endedMillis = yield* now\n    const untilMillis`,
      `const anew = manner.behind ? yield* acquire(core, rest.map((i) => journeys[i]!), manner, []) : []\n    const endedMillis = yield* now\n    const untilMillis`
    ],
    [
      lookups,
      `const one = acquired[i]!\n`,
      `const one = anew[position]?._tag === "Leased" ? anew[position] : acquired[i]!\n`
    ]
  ),
  mutant("life-stacked", "R21", [
    "internal/reading.ts",
    `memory.hold(item, { createdAtMillis, expiresAtMillis, lookup`,
    `memory.hold(item, { createdAtMillis, expiresAtMillis: nowMillis + expiresAtMillis - createdAtMillis, lookup`
  ]),
  mutant(
    "any-flight-joined",
    "R18",
    [
      departures,
      `return fences.fellSince(flight.startedAt, flight.names) || fences.fellSince(flight.startedAt, item.names)`,
      `return fences.now() < 0`
    ],
    [
      departures,
      `if (!own && core.fences.fellSince(flight.startedAt, landing.names))`,
      `if (!own && core.fences.now() < 0)`
    ]
  ),
  mutant("landing-not-looked-at-again", "R18", [
    departures,
    `if (!own && core.fences.fellSince(flight.startedAt, landing.names))`,
    `if (!own && core.fences.now() < 0)`
  ]),
  mutant("flight-joined-unheard", "R18", [
    building,
    `isWithin(beganMillis, ownMillis, nowMillis) ||`,
    `bus !== undefined ||`
  ]),
  mutant("flights-not-joined", "one lookup", [
    departures,
    `  return fences.fellSince(flight.startedAt, flight.names) ||`,
    `  return flight !== undefined ||`
  ]),
  mutant(
    "fence-here-before-the-reply",
    "R14",
    [
      fencing,
      `const outcome = yield* Effect.either(core.below[kind](request))`,
      `core.fenceHere(request, kind === "invalidate")\n      const outcome = yield* Effect.either(core.below[kind](request))`
    ],
    [
      fencing,
      `} else core.journal.acknowledged(request)\n      core.fenceHere(request, kind === "invalidate")\n`,
      `} else core.journal.acknowledged(request)\n`
    ]
  ),
  mutant("told-before-the-store", "R14", [
    announcing,
    `Effect.tap(fence(undefined), () => Effect.map(tell, () => worked("publish")))`,
    `Effect.zipRight(Effect.map(tell, () => worked("publish")), fence(undefined))`
  ]),
  mutant("told-after-the-acknowledgement", "R14", [
    announcing,
    `Effect.tap(fence(undefined), () => Effect.map(tell, () => worked("publish")))`,
    `Effect.tap(fence(undefined), () => Effect.forkDaemon(Effect.delay(Effect.map(tell, () => worked("publish")), 20)))`
  ]),
  mutant("stale-answers-what-was-invalidated", "R4", [
    departures,
    `nowMillis < leg.fallbackUntilMillis && !core.hardFences.fellSince(leg.seenAt, [leg.item.key.id, ...leg.view.tags])`,
    `nowMillis < leg.fallbackUntilMillis`
  ]),
  mutant("journal-does-not-hide", "R16", [
    "internal/journal.ts",
    `if (everything > 0 || keys.has(key)) return true`,
    `if (everything >= 0 || keys.has(key)) return false`
  ]),
  mutant("full-journal-forgets", "R16", [
    "internal/journal.ts",
    `for (const key of keys.keys()) tags.set(prefixTagOf(key), additions)`,
    `if (additions < 0) prefixTagOf("")`
  ]),
  mutant("replay-unfenced", "R16", [
    recovery,
    `          fenceHere(request, true)\n          strikeOut()`,
    `          strikeOut()`
  ]),
  mutant("replay-tells-nobody", "R16", [
    recovery,
    `Effect.tap(fencing.invalidate(request), () => {`,
    `Effect.tap(fencing.invalidate({ ...request, keys: [], tags: [], everything: false }), () => {`
  ]),
  mutant("replay-overwrites", "R16", [
    fencing,
    `if (isWrite) yield* core.journal.remember(request)`,
    `const again = Effect.flatMap(core.tier.capture(captureRequest(item)), (capture) =>
        core.below.commit({ capture, learntTags, bytes: storable.bytes, timeToLiveMillis: storable.keepMillis })
      )
      yield* Effect.forkDaemon(Effect.ignore(Effect.retry(Effect.delay(again, 300), { times: 20 })))
      if (isWrite) yield* core.journal.remember(request)`
  ]),
  mutant("mutation-unannounced", "R16", [
    mutations,
    `return announced(core, () => Either.getOrElse(requested(Option.none()), () => otherwise), whole)`,
    `return whole`
  ]),
  mutant("announced-beside-the-write", "R16", [
    recovery,
    `return Effect.as(told(save), Effect.sync(takeBack))`,
    `return Effect.as(Effect.forkDaemon(told(save)), Effect.sync(takeBack))`
  ]),
  mutant(
    "taken-back-before-the-fence",
    "R16",
    [
      mutations,
      `Effect.exit(restore(effect))`,
      `Effect.exit(restore(announced(core, () => Either.getOrElse(requested(Option.none()), () => otherwise), effect)))`
    ],
    [
      mutations,
      `return announced(core, () => Either.getOrElse(requested(Option.none()), () => otherwise), whole)`,
      `return whole`
    ]
  ),
  mutant("begins-before-its-journal", "R16", [
    building,
    `yield* journal.restore\n`,
    `yield* Effect.forkIn(journal.restore, scope)\n`
  ]),
  mutant("remembered-before-it-is-saved", "R16", [
    recovery,
    `wishes.unsafeOffer(undefined)\n        return save`,
    `wishes.unsafeOffer(undefined)\n        return Effect.asVoid(Effect.forkDaemon(save))`
  ]),
  mutant("messages-ignored", "R19", [
    hearing,
    `else listener.fenceHere(request, kind === "invalidate")`,
    `else listener.fenceHere({ ...request, keys: [], tags: [], everything: false }, kind === "invalidate")`
  ]),
  mutant("gap-ignored", "R20", [building, `all.raiseAll()\n        hard.raiseAll()`, `void all\n        void hard`]),
  mutant(
    "gap-at-the-disconnect",
    "R20",
    [hearing, `        stood()\n        listener.gap("Subscribed")`, `        stood()`],
    [
      hearing,
      `let heardMillis = yield* Clock.currentTimeMillis`,
      `let heardMillis = yield* Clock.currentTimeMillis\n    listener.gap("Subscribed")`
    ]
  ),
  mutant("lost-count-ignored", "R20", [
    hearing,
    `if (isMissing && stands && !forgets) listener.gap("Lost")`,
    `if (isMissing && !stands && !forgets && sent.size < 0) listener.gap("Lost")`
  ]),
  mutant("silence-ignored", "R20", [hearing, `- heardMillis >= silenceMillis)`, `- heardMillis >= Infinity)`]),
  mutant("silence-does-not-end-memory", "R20", [
    memory,
    `isWithin(one.heldAtMillis, ownMillis, nowMillis) || isWithin(heardMillis(), ownMillis, nowMillis)`,
    `isWithin(one.heldAtMillis, 100 * ownMillis, nowMillis)`
  ]),
  mutant("own-beat-says-all-was-heard", "R20", [
    building,
    `(carried ? busHeardMillis : -Infinity)`,
    `(carried || !carried ? busHeardMillis : -Infinity)`
  ])
]
