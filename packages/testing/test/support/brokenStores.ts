/**
 * Stores that are wrong in one way each, made from the memory store. Each names the cases of the suite that must find
 * it: a case that finds nothing here was not seen to work.
 */
import * as Epoch from "@larder/cache/Epoch"
import type * as Store from "@larder/cache/Store"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

type Service = Store.Store["Type"]

export interface BrokenStore {
  readonly name: string
  readonly wrap: (store: Service) => Partial<Service>
  readonly caughtBy: ReadonlyArray<string>
}

const slot = ({ key, shape }: { readonly key: string; readonly shape: string }) => `${key}\u0000${shape}`
const leaseOne = (store: Service, request: Store.LeaseRequest) =>
  Effect.map(store.lease([request]), (answers) => answers[0]!)
const fillOne = (store: Service, request: Store.FillRequest) => Effect.map(store.fill([request]), (all) => all[0]!)
const long = 60_000

/** Takes the lease anew, whatever happened since it was granted, and fills with that. */
const fillAnyway = (store: Service, request: Store.FillRequest, tags: ReadonlyArray<string> = []) =>
  Effect.gen(function* () {
    yield* store.release([request.lease])
    const again = yield* leaseOne(store, {
      key: request.lease.key,
      shape: request.lease.shape,
      tags: [...request.lease.stamps.tags.map(([tag]) => tag), ...tags],
      seen: "*",
      leaseMillis: long,
      retainMillis: long
    })
    if (again._tag !== "Granted") return "Refused" as const
    return yield* fillOne(store, { ...request, lease: again.lease, learntTags: [] })
  })

const onBytes = (store: Service, change: (bytes: Uint8Array) => Uint8Array): Partial<Service> => ({
  fill: (requests) => store.fill(requests.map((one) => ({ ...one, bytes: change(one.bytes) }))),
  commit: (request) =>
    store.commit(request.bytes === undefined ? request : { ...request, bytes: change(request.bytes) })
})

const onKeys = (store: Service, change: (key: string) => string): Partial<Service> => {
  const on = <A extends { readonly key: string }>(requests: ReadonlyArray<A>) =>
    requests.map((one) => ({ ...one, key: change(one.key) }))
  return {
    read: (requests) => store.read(on(requests)),
    lease: (requests) => store.lease(on(requests)),
    capture: (request) => store.capture({ ...request, key: change(request.key) }),
    invalidate: (request) => store.invalidate({ ...request, keys: on(request.keys) }),
    expire: (request) => store.expire({ ...request, keys: on(request.keys) })
  }
}

export const brokenStores: ReadonlyArray<BrokenStore> = [
  {
    name: "ignores the time to live",
    wrap: (store) => ({
      fill: (requests) => store.fill(requests.map((one) => ({ ...one, timeToLiveMillis: 1e12 }))),
      commit: (request) => store.commit({ ...request, timeToLiveMillis: 1e12 })
    }),
    caughtBy: [
      "a value is gone after its time to live, and one with a longer one is not",
      "a committed value is gone after its time to live, and one with a longer one is not",
      "after a value's time to live its key can be leased without having seen it"
    ]
  },
  {
    name: "keeps values a millisecond too long",
    wrap: (store) => ({
      fill: (requests) => store.fill(requests.map((one) => ({ ...one, timeToLiveMillis: one.timeToLiveMillis + 1 }))),
      commit: (request) => store.commit({ ...request, timeToLiveMillis: request.timeToLiveMillis + 1 })
    }),
    caughtBy: [
      "after a fill a value is there one millisecond before its time to live ends, and gone at that millisecond",
      "after a commit a value is there one millisecond before its time to live ends, and gone at that millisecond"
    ]
  },
  {
    name: "takes milliseconds for a tenth of them",
    wrap: (store) => ({
      fill: (requests) =>
        store.fill(requests.map((one) => ({ ...one, timeToLiveMillis: one.timeToLiveMillis / 1_000 })))
    }),
    caughtBy: ["a value is gone after its time to live, and one with a longer one is not"]
  },
  {
    name: "grants a lease that somebody holds",
    wrap: (store) => {
      const held = new Map<string, Store.Lease>()
      return {
        lease: (requests) =>
          Effect.forEach(requests, (one) =>
            Effect.gen(function* () {
              const before = held.get(slot(one))
              if (before !== undefined) yield* store.release([before])
              const answer = yield* leaseOne(store, one)
              if (answer._tag === "Granted") held.set(slot(one), answer.lease)
              return answer
            })
          )
      }
    },
    caughtBy: [
      "of fifty asking at once exactly one is granted the lease",
      "while a lease stands the next one asking finds it busy",
      "of two requests for one key in a list of leases, the first is granted and the second finds it busy"
    ]
  },
  {
    name: "does not know of shared leases",
    wrap: (store) => ({
      lease: (requests) => store.lease(requests.map((one) => ({ ...one, shared: false })))
    }),
    caughtBy: [
      "a shared lease is granted beside one that stands, and a caller who shares nothing finds it busy",
      "of those who share a lease the first to fill stores its value, and the others store nothing",
      "a lease that is shared lasts as long as the last of its holders asked for, and is not cut short"
    ]
  },
  {
    name: "shares a lease with everybody",
    wrap: (store) => ({
      lease: (requests) => store.lease(requests.map((one) => ({ ...one, shared: true })))
    }),
    caughtBy: [
      "a shared lease is granted beside one that stands, and a caller who shares nothing finds it busy",
      "while a lease stands the next one asking finds it busy"
    ]
  },
  {
    name: "grants a shared lease whatever is stored",
    wrap: (store) => ({
      lease: (requests) => store.lease(requests.map((one) => (one.shared === true ? { ...one, seen: "*" } : one)))
    }),
    caughtBy: ["a shared lease is not granted where there is a value that the caller has not refused"]
  },
  {
    name: "goes on sharing a lease after a fence, under the epochs of now",
    wrap: (store) => {
      const first = new Map<string, string>()
      return {
        lease: (requests) =>
          Effect.forEach(requests, (one) =>
            Effect.map(leaseOne(store, one), (answer): Store.LeaseAnswer => {
              if (answer._tag !== "Granted" || one.shared !== true) return answer
              const token = first.get(slot(one)) ?? answer.lease.token
              first.set(slot(one), token)
              return { _tag: "Granted", lease: { ...answer.lease, token } }
            })
          )
      }
    },
    caughtBy: ["a lease that is shared after a fence is another one: what began before the fence is not stored"]
  },
  {
    name: "grants who shares a lease the counter of the first",
    wrap: (store) => {
      const first = new Map<string, Store.Lease>()
      return {
        lease: (requests) =>
          Effect.forEach(requests, (one) =>
            Effect.map(leaseOne(store, one), (answer): Store.LeaseAnswer => {
              if (answer._tag !== "Granted") return answer
              const { token } = answer.lease
              first.set(token, first.get(token) ?? answer.lease)
              return { _tag: "Granted", lease: { ...answer.lease, counter: first.get(token)!.counter } }
            })
          )
      }
    },
    caughtBy: ["who shares a lease after a fence may learn the tag that it fell on"]
  },
  {
    name: "judges all who share a lease by the counter of the last",
    wrap: (store) => {
      const last = new Map<string, Store.Lease>()
      return {
        lease: (requests) =>
          Effect.tap(store.lease(requests), (answers) =>
            Effect.sync(() => {
              for (const answer of answers) if (answer._tag === "Granted") last.set(answer.lease.token, answer.lease)
            })
          ),
        fill: (requests) =>
          store.fill(requests.map((one) => ({ ...one, lease: last.get(one.lease.token) ?? one.lease })))
      }
    },
    caughtBy: ["who shared a lease before a fence may not, though others have shared it after"]
  },
  {
    name: "keeps leases busy after a fence",
    wrap: (store) => {
      const held = new Map<string, string>()
      const drop = (lease: Store.Lease) => {
        if (held.get(slot(lease)) === lease.token) held.delete(slot(lease))
      }
      return {
        lease: (requests) =>
          Effect.forEach(requests, (one) =>
            Effect.map(
              held.has(slot(one)) ? Effect.succeed({ _tag: "Busy" } as const) : leaseOne(store, one),
              (answer) => {
                if (answer._tag === "Granted") held.set(slot(one), answer.lease.token)
                return answer
              }
            )
          ),
        fill: (requests) => {
          for (const { lease } of requests) drop(lease)
          return store.fill(requests)
        },
        release: (leases) => {
          leases.forEach(drop)
          return store.release(leases)
        }
      }
    },
    caughtBy: [
      "an invalidation of the key voids the lease: another is granted, and the first neither fills, renews nor releases",
      "an expiry of a tag voids the lease: another is granted, and the first neither fills, renews nor releases",
      "a commit voids the lease: another is granted, and the first neither fills, renews nor releases"
    ]
  },
  {
    name: "fills without a lease, under the epochs of the end of the lookup",
    wrap: (store) => ({
      fill: (requests) => Effect.forEach(requests, (one) => fillAnyway(store, one, one.learntTags))
    }),
    caughtBy: [
      "an invalidation of the key while a lookup runs: its fill, the next thing to happen, stores nothing",
      "an invalidation of a tag while a lookup runs: its fill, the next thing to happen, stores nothing",
      "an expiry of the key while a lookup runs: its fill, the next thing to happen, stores nothing",
      "an expiry of a tag while a lookup runs: its fill, the next thing to happen, stores nothing",
      "a commit while a lookup runs: its fill, the next thing to happen, stores nothing",
      "a lease that ended fills nothing and is not renewed, even when nobody else asked",
      "a fill and an invalidation at once: whichever comes first, nothing is answered after both",
      "a lease fills once"
    ]
  },
  {
    name: "does not look at learnt tags",
    wrap: (store) => ({
      fill: (requests) =>
        Effect.forEach(requests, (one) =>
          one.learntTags.length === 0 ? fillOne(store, one) : fillAnyway(store, one, one.learntTags)
        ),
      commit: (request) =>
        Effect.gen(function* () {
          if (request.learntTags.length === 0) return yield* store.commit(request)
          const { key, shape, stamps } = request.capture
          const tags = [...stamps.tags.map(([tag]) => tag), ...request.learntTags]
          const capture = yield* store.capture({ key, shape, tags, retainMillis: long })
          return yield* store.commit({ ...request, capture, learntTags: [] })
        })
    }),
    caughtBy: ["fill", "commit"].flatMap((way) => [
      `${way}: a learnt tag invalidated meanwhile refuses`,
      `${way}: a learnt tag invalidated meanwhile and made again by another refuses`,
      `${way}: a learnt tag expired meanwhile refuses`,
      `${way}: a learnt tag without an epoch refuses when any fence fell meanwhile, and has one for the next`,
      `${way}: one fenced tag among several learnt ones refuses`,
      `${way}: a new era meanwhile refuses, whatever the counts say`
    ])
  },
  {
    name: "forgets learnt tags",
    wrap: (store) => ({
      fill: (requests) => store.fill(requests.map((one) => ({ ...one, learntTags: [] }))),
      commit: (request) => store.commit({ ...request, learntTags: [] })
    }),
    caughtBy: [
      "fill: a learnt tag without an epoch gets one, while no fence fell",
      "commit: a learnt tag without an epoch gets one, while no fence fell",
      "what carries an invalidated tag is gone, declared or learnt, and the rest is not",
      "the tags in a value's stamps are answered without being asked for, again and again",
      "the value found by a lease brings the epochs of its own tags"
    ]
  },
  {
    name: "refuses learnt tags that were fenced before the lease",
    wrap: (store) => {
      const fenced = new Set<string>()
      const remember = (request: Store.FenceRequest) => request.tags.forEach((tag) => fenced.add(tag))
      return {
        invalidate: (request) => Effect.tap(store.invalidate(request), () => remember(request)),
        expire: (request) => Effect.tap(store.expire(request), () => remember(request)),
        fill: (requests) =>
          Effect.forEach(requests, (one) =>
            one.learntTags.some((tag) => fenced.has(tag)) ? Effect.succeed("Refused" as const) : fillOne(store, one)
          )
      }
    },
    caughtBy: ["fill: a learnt tag fenced before the beginning is no obstacle"]
  },
  {
    name: "answers a missing epoch as if nothing had happened",
    wrap: (store) => ({
      read: (requests) =>
        Effect.map(store.read(requests), (answers) =>
          answers.map((answer) => {
            if (answer.found._tag !== "Stored") return answer
            const { key, tags } = answer.found.stamps
            const { epochs } = answer
            return {
              ...answer,
              epochs: { ...epochs, key: epochs.key ?? key, tags: new Map([...tags, ...epochs.tags]) }
            }
          })
        )
    }),
    caughtBy: [
      "what carries an invalidated tag is gone, declared or learnt, and the rest is not",
      "an invalidation after an expiry is an invalidation"
    ]
  },
  {
    name: "answers only the epochs it was asked for",
    wrap: (store) => ({
      read: (requests) =>
        Effect.map(store.read(requests), (answers) =>
          answers.map((answer, i) => ({
            ...answer,
            epochs: {
              ...answer.epochs,
              tags: new Map([...answer.epochs.tags].filter(([tag]) => requests[i]!.tags.includes(tag)))
            }
          }))
        )
    }),
    caughtBy: ["the tags in a value's stamps are answered without being asked for, again and again"]
  },
  {
    name: "makes epochs on reading",
    wrap: (store) => ({
      read: (requests) =>
        Effect.zipRight(
          Effect.forEach(requests, (one) => store.capture({ ...one, retainMillis: long })),
          store.read(requests)
        )
    }),
    caughtBy: [
      "a key that was never filled is absent and has no epoch, nor have its tags; reading makes none",
      "an expiry brings nothing back that was invalidated, and makes no epoch where there is none"
    ]
  },
  {
    name: "answers lists in another order",
    wrap: (store) => ({
      read: (requests) => Effect.map(store.read(requests), (answers) => answers.toReversed()),
      fill: (requests) => Effect.map(store.fill(requests), (answers) => answers.toSorted()),
      lease: (requests) => Effect.map(store.lease(requests), (answers) => answers.toReversed())
    }),
    caughtBy: [
      "the answers of a read come in the order of its requests, duplicates and absent keys included",
      "each answer of a read holds the epochs of its own key and tags",
      "a hundred keys are leased, filled and read in one list each, in order",
      "a lost lease in a list of fills and renewals is the only one refused"
    ]
  },
  {
    name: "drops duplicates from the answers of a read",
    wrap: (store) => ({
      read: (requests) => store.read([...new Map(requests.map((one) => [slot(one), one])).values()])
    }),
    caughtBy: ["the answers of a read come in the order of its requests, duplicates and absent keys included"]
  },
  {
    name: "gives every fiber of a moment the first one's value",
    wrap: (store) => {
      let flight: Promise<ReadonlyArray<Store.ReadAnswer>> | undefined
      return {
        read: (requests) =>
          Effect.promise(
            () =>
              (flight ??= Effect.runPromise(store.read(requests)).finally(() => {
                flight = undefined
              }))
          )
      }
    },
    caughtBy: ["a hundred fibers reading at once each get their own value"]
  },
  {
    name: "shares the memory of its bytes",
    wrap: (store) => {
      const shared = new Map<string, Uint8Array>()
      return {
        fill: (requests) => {
          for (const { bytes, lease } of requests) shared.set(lease.token, bytes)
          return store.fill(requests)
        },
        read: (requests) =>
          Effect.map(store.read(requests), (answers) =>
            answers.map((answer) => {
              if (answer.found._tag !== "Stored") return answer
              return { ...answer, found: { ...answer.found, bytes: shared.get(answer.found.id) ?? answer.found.bytes } }
            })
          )
      }
    },
    caughtBy: [
      "changing the bytes after a fill, after a commit or after a read changes nothing that is stored",
      "a Node buffer is copied as well, though its slices share its memory"
    ]
  },
  {
    name: "stores the whole buffer behind the bytes",
    wrap: (store) => onBytes(store, (bytes) => new Uint8Array(bytes.buffer)),
    caughtBy: ["bytes that are a window into a larger buffer are stored without their surroundings"]
  },
  {
    name: "takes every value for text",
    wrap: (store) => onBytes(store, (bytes) => new TextEncoder().encode(new TextDecoder().decode(bytes))),
    caughtBy: [
      "every byte: read back byte for byte, after a fill and after a commit",
      "a cut-off UTF-8 sequence: read back byte for byte, after a fill and after a commit",
      "text that begins with a byte order mark: read back byte for byte, after a fill and after a commit"
    ]
  },
  {
    name: "takes text that looks like a number or JSON for that",
    wrap: (store) =>
      onBytes(store, (bytes) => {
        const text = new TextDecoder().decode(bytes)
        if (text === "null") return new Uint8Array()
        return new TextEncoder().encode(/^\d+$/.test(text) ? `${text}.0` : text.trim())
      }),
    caughtBy: [
      "text that looks like a number: read back byte for byte, after a fill and after a commit",
      "text that looks like JSON null: read back byte for byte, after a fill and after a commit",
      "text with line breaks and separators: read back byte for byte, after a fill and after a commit"
    ]
  },
  {
    name: "cuts large values",
    wrap: (store) => onBytes(store, (bytes) => bytes.slice(0, 65_536)),
    caughtBy: ["a value of one megabyte is read back byte for byte"]
  },
  {
    name: "does not tell keys apart that are composed differently",
    wrap: (store) => onKeys(store, (key) => key.normalize("NFC")),
    caughtBy: ["keys that differ in one character, or only in how it is composed, are kept apart"]
  },
  {
    name: "does not tell the case of tags",
    wrap: (store) => ({
      lease: (requests) =>
        store.lease(requests.map((one) => ({ ...one, tags: one.tags.map((tag) => tag.toLowerCase()) }))),
      invalidate: (request) => store.invalidate({ ...request, tags: request.tags.map((tag) => tag.toLowerCase()) })
    }),
    caughtBy: ["tags that differ in one character are kept apart"]
  },
  {
    name: "fences a key when a tag of its name is fenced",
    wrap: (store) => ({
      invalidate: (request) =>
        store.invalidate({ ...request, keys: [...request.keys, ...request.tags.map((key) => ({ key, shapes: [] }))] })
    }),
    caughtBy: ["a key and a tag of one name have nothing in common"]
  },
  {
    name: "has one value for all shapes",
    wrap: (store) => ({
      read: (requests) => store.read(requests.map((one) => ({ ...one, shape: "any" }))),
      lease: (requests) => store.lease(requests.map((one) => ({ ...one, shape: "any" }))),
      capture: (request) => store.capture({ ...request, shape: "any" })
    }),
    caughtBy: [
      "the shapes of a key hold values of their own under one epoch",
      "the shapes of a key have leases of their own"
    ]
  },
  {
    name: "has an epoch for each shape",
    wrap: (store) => {
      const on = <A extends { readonly key: string; readonly shape: string }>(one: A): A => ({ ...one, key: slot(one) })
      const names = (request: Store.FenceRequest): Store.FenceRequest => ({
        ...request,
        keys: request.keys.flatMap(({ key, shapes }) => shapes.map((shape) => ({ key: slot({ key, shape }), shapes })))
      })
      return {
        read: (requests) => store.read(requests.map(on)),
        lease: (requests) => store.lease(requests.map(on)),
        capture: (request) => store.capture(on(request)),
        invalidate: (request) => store.invalidate(names(request)),
        expire: (request) => store.expire(names(request))
      }
    },
    caughtBy: [
      "the shapes named by an invalidation are freed at once, and the others are invalid all the same",
      "every shape of an expired key is stale",
      "a commit replaces a value and what other shapes held",
      "a commit of another shape between capture and commit: the value is not stored, and the key is fenced all the same"
    ]
  },
  {
    name: "ignores what the caller has seen",
    wrap: (store) => ({
      lease: (requests) => store.lease(requests.map((one) => ({ ...one, seen: undefined })))
    }),
    caughtBy: [
      "whoever refuses the stored value by its id, or any value, is granted the lease",
      "a committed value can be refused by its id, and is found by others"
    ]
  },
  {
    name: "grants a lease whatever is stored",
    wrap: (store) => ({
      lease: (requests) => store.lease(requests.map((one) => ({ ...one, seen: "*" })))
    }),
    caughtBy: [
      "whoever asks without having seen the stored value gets it instead of a lease, with the epochs",
      "whoever refuses a value that was replaced meanwhile gets the one that replaced it"
    ]
  },
  {
    name: "releases without comparing",
    wrap: (store) => {
      const held = new Map<string, Store.Lease>()
      return {
        lease: (requests) =>
          Effect.tap(store.lease(requests), (answers) =>
            answers.forEach((answer) => {
              if (answer._tag === "Granted") held.set(slot(answer.lease), answer.lease)
            })
          ),
        release: (leases) => store.release(leases.map((lease) => held.get(slot(lease)) ?? lease))
      }
    },
    caughtBy: [
      "a release, a renewal or a fill with a lease that was given back leaves the next holder's alone",
      "after a lease ended another is granted, and the first can neither fill nor release it"
    ]
  },
  {
    name: "never releases",
    wrap: () => ({ release: () => Effect.void }),
    caughtBy: ["a released lease is free at once"]
  },
  {
    name: "gives every lease of a key the same token",
    wrap: (store) => {
      const real = new Map<string, string>()
      const translate = (lease: Store.Lease): Store.Lease => ({ ...lease, token: real.get(slot(lease)) ?? lease.token })
      return {
        lease: (requests) =>
          Effect.map(store.lease(requests), (answers) =>
            answers.map((answer) => {
              if (answer._tag !== "Granted") return answer
              real.set(slot(answer.lease), answer.lease.token)
              return { ...answer, lease: { ...answer.lease, token: slot(answer.lease) } }
            })
          ),
        fill: (requests) => store.fill(requests.map((one) => ({ ...one, lease: translate(one.lease) }))),
        renew: (leases, millis) => store.renew(leases.map(translate), millis),
        release: (leases) => store.release(leases.map(translate))
      }
    },
    caughtBy: [
      "epochs that exist are taken as they are, and every grant has a token of its own",
      "a release, a renewal or a fill with a lease that was given back leaves the next holder's alone"
    ]
  },
  {
    name: "renews whatever it is asked to",
    wrap: (store) => ({
      renew: (leases, millis) =>
        Effect.as(
          store.renew(leases, millis),
          leases.map(() => true)
        )
    }),
    caughtBy: [
      "a lease that ended fills nothing and is not renewed, even when nobody else asked",
      "an expiry of the key voids the lease: another is granted, and the first neither fills, renews nor releases"
    ]
  },
  {
    name: "renews without prolonging",
    wrap: (store) => ({ renew: (leases) => store.renew(leases, 1) }),
    caughtBy: ["a renewed lease stands past its first end"]
  },
  {
    name: "keeps leases a millisecond too long",
    wrap: (store) => ({
      lease: (requests) => store.lease(requests.map((one) => ({ ...one, leaseMillis: one.leaseMillis + 1 })))
    }),
    caughtBy: ["a lease is held one millisecond before it ends, and free at that millisecond"]
  },
  {
    name: "forgets epochs when the time asked for at the lease is over",
    wrap: (store) => {
      const until = new Map<string, number>()
      const note = (key: string, tags: ReadonlyArray<string>, retainMillis: number) =>
        Effect.map(Clock.currentTimeMillis, (now) =>
          [`k${key}`, ...tags].forEach((one) => until.set(one, now + retainMillis))
        )
      return {
        lease: (requests) =>
          Effect.zipRight(
            Effect.forEach(requests, ({ key, retainMillis, tags }) => note(key, tags, retainMillis)),
            store.lease(requests)
          ),
        capture: (request) =>
          Effect.zipRight(note(request.key, request.tags, request.retainMillis), store.capture(request)),
        read: (requests) =>
          Effect.gen(function* () {
            const now = yield* Clock.currentTimeMillis
            const answers = yield* store.read(requests)
            return answers.map(({ epochs, found }, i) => ({
              found,
              epochs: {
                ...epochs,
                key: (until.get(`k${requests[i]!.key}`) ?? 0) > now ? epochs.key : undefined,
                tags: new Map([...epochs.tags].filter(([tag]) => (until.get(tag) ?? Infinity) > now))
              }
            }))
          })
      }
    },
    caughtBy: [
      "the epochs of a value live as long as the value, though they were leased for less",
      "the epochs of a committed value live as long as the value, though they were captured for less",
      "a shorter lease, capture or value on the same tag does not shorten the life of its epoch"
    ]
  },
  {
    name: "invalidates keys only",
    wrap: (store) => ({ invalidate: (request) => store.invalidate({ ...request, tags: [] }) }),
    caughtBy: [
      "what carries an invalidated tag is gone, declared or learnt, and the rest is not",
      "of twenty invalidations of one tag at once none is lost",
      "a fence names many keys and tags at once, and leaves the others alone",
      "what an invalidation killed stays dead after its tag and key have new epochs"
    ]
  },
  {
    name: "invalidates the first key only",
    wrap: (store) => ({ invalidate: (request) => store.invalidate({ ...request, keys: request.keys.slice(0, 1) }) }),
    caughtBy: ["a fence names many keys and tags at once, and leaves the others alone"]
  },
  {
    name: "only marks stale what it should invalidate",
    wrap: (store) => ({ invalidate: (request) => store.expire(request) }),
    caughtBy: [
      "an invalidated key is gone, and its neighbour is not",
      "an invalidated key filled again is current, under another epoch and id",
      "the shapes named by an invalidation are freed at once, and the others are invalid all the same"
    ]
  },
  {
    name: "invalidates everything whatever is named",
    wrap: (store) => ({
      invalidate: (request) => store.invalidate({ ...request, everything: true }),
      expire: (request) => store.expire({ ...request, everything: true })
    }),
    caughtBy: [
      "an invalidated key is gone, and its neighbour is not",
      "a fence on something else leaves a lease standing",
      "every invalidation, expiry and commit raises the counter that a read answers, of unknown names too"
    ]
  },
  {
    name: "knows no everything",
    wrap: (store) => ({
      invalidate: (request) => store.invalidate({ ...request, everything: false }),
      expire: (request) => store.expire({ ...request, everything: false })
    }),
    caughtBy: [
      "everything: each value, lease and capture from before is void, and the next era works",
      "an expiry of everything is an invalidation of everything",
      "an epoch from before everything was invalidated counts as missing, so that its value never returns"
    ]
  },
  {
    name: "replaces the hard half when it marks stale",
    wrap: (store) => ({ expire: (request) => store.invalidate(request) }),
    caughtBy: [
      "an expired key is stale, not gone, keeps the hard half of its epoch, and is current once filled again",
      "what carries an expired tag is stale, declared or learnt, and the rest is current",
      "every shape of an expired key is stale",
      "two expirations are as stale as one, and each is another epoch",
      "marking a tag stale leaves its epoch the life it had"
    ]
  },
  {
    name: "does not mark stale",
    wrap: (store) => ({ expire: () => store.expire({ keys: [], tags: [] }) }),
    caughtBy: [
      "an expired key is stale, not gone, keeps the hard half of its epoch, and is current once filled again",
      "an expiry of the key between capture and commit: the value is not stored, and the key is fenced all the same",
      "an expiry of a tag between capture and commit: the value is not stored, and the key is fenced all the same"
    ]
  },
  {
    name: "makes epochs when it marks stale",
    wrap: (store) => ({
      expire: (request) =>
        Effect.zipRight(
          Effect.forEach(request.keys, ({ key }) =>
            store.capture({ key, shape: "any", tags: request.tags, retainMillis: long })
          ),
          store.expire(request)
        )
    }),
    caughtBy: ["an expiry brings nothing back that was invalidated, and makes no epoch where there is none"]
  },
  {
    name: "answers the counter of before",
    wrap: (store) => {
      const counted = (fence: (request: Store.FenceRequest) => ReturnType<Service["invalidate"]>) =>
        ((request) =>
          Effect.gen(function* () {
            const { counter } = yield* store.capture({ key: "counter", shape: "any", tags: [], retainMillis: long })
            yield* fence(request)
            return counter
          })) satisfies Service["invalidate"]
      return { invalidate: counted(store.invalidate), expire: counted(store.expire) }
    },
    caughtBy: ["every invalidation, expiry and commit raises the counter that a read answers, of unknown names too"]
  },
  {
    name: "counts reads as fences",
    wrap: (store) => ({
      read: (requests) => Effect.zipRight(store.invalidate({ keys: [], tags: [] }), store.read(requests))
    }),
    caughtBy: ["reading, leasing, filling, renewing, releasing and capturing do not raise the counter"]
  },
  {
    name: "commits blindly",
    wrap: (store) => ({
      commit: (request) =>
        Effect.gen(function* () {
          const { key, shape, stamps } = request.capture
          const tags = stamps.tags.map(([tag]) => tag)
          return yield* store.commit({
            ...request,
            capture: yield* store.capture({ key, shape, tags, retainMillis: long })
          })
        })
    }),
    caughtBy: [
      "an invalidation of the key between capture and commit: the value is not stored, and the key is fenced all the same",
      "an invalidation of a tag between capture and commit: the value is not stored, and the key is fenced all the same",
      "another commit between capture and commit: the value is not stored, and the key is fenced all the same",
      "of ten commits from captures of the same moment one is stored, and the later ones leave nothing",
      "a commit sent twice is refused the second time"
    ]
  },
  {
    name: "does nothing when a commit has lost",
    wrap: (store) => ({
      commit: (request) =>
        Effect.gen(function* () {
          const { key, shape, stamps } = request.capture
          const [now] = yield* store.read([{ key, shape, tags: stamps.tags.map(([tag]) => tag) }])
          if (Epoch.standing(stamps, now!.epochs) === "Current") return yield* store.commit(request)
          return { outcome: "Refused" as const, counter: now!.epochs.counter! }
        })
    }),
    caughtBy: [
      "an expiry of a tag between capture and commit: the value is not stored, and the key is fenced all the same",
      "of ten commits from captures of the same moment one is stored, and the later ones leave nothing"
    ]
  },
  {
    name: "keeps the key's epoch on a commit",
    wrap: (store) => ({
      commit: (request) =>
        Effect.gen(function* () {
          const { key, shape, stamps } = request.capture
          const tags = stamps.tags.map(([tag]) => tag)
          const lease = yield* leaseOne(store, { key, shape, tags, seen: "*", leaseMillis: long, retainMillis: long })
          if (lease._tag !== "Granted" || request.bytes === undefined) {
            return { outcome: "Refused" as const, counter: request.capture.counter }
          }
          const { bytes, learntTags, timeToLiveMillis } = request
          const outcome = yield* fillOne(store, { lease: lease.lease, bytes, learntTags, timeToLiveMillis })
          return { outcome, counter: lease.lease.counter }
        })
    }),
    caughtBy: [
      "a committed value is current, under an epoch of its own",
      "a commit voids the lease: another is granted, and the first neither fills, renews nor releases",
      "a commit replaces a value and what other shapes held",
      "a commit without bytes only fences the key"
    ]
  },
  {
    name: "fences the key already when it captures",
    wrap: (store) => ({
      capture: (request) =>
        Effect.zipRight(
          store.invalidate({ keys: [{ key: request.key, shapes: [] }], tags: [] }),
          store.capture(request)
        )
    }),
    caughtBy: ["a capture takes the epochs as they are, makes those that are missing, and disturbs no lease"]
  },
  {
    name: "stamps a value with nothing",
    wrap: (store) => ({
      lease: (requests) => store.lease(requests.map((one) => ({ ...one, tags: [] })))
    }),
    caughtBy: [
      "a lease names its key, shape and tags, and the epochs that a read then answers",
      "what carries an invalidated tag is gone, declared or learnt, and the rest is not"
    ]
  },
  {
    name: "frees the value when its lease is granted",
    wrap: (store) => {
      const hidden = new Set<string>()
      return {
        lease: (requests) =>
          Effect.tap(store.lease(requests), (answers) =>
            answers.forEach((answer) => {
              if (answer._tag === "Granted") hidden.add(slot(answer.lease))
            })
          ),
        fill: (requests) => {
          for (const { lease } of requests) hidden.delete(slot(lease))
          return store.fill(requests)
        },
        read: (requests) =>
          Effect.map(store.read(requests), (answers) =>
            answers.map((answer, i) =>
              hidden.has(slot(requests[i]!)) ? { ...answer, found: { _tag: "Absent" as const } } : answer
            )
          )
      }
    },
    caughtBy: ["a value stays readable while another is being made, and is then replaced"]
  },
  {
    name: "fails on an empty list",
    wrap: (store) => ({
      read: (requests) =>
        requests.length === 0 ? Effect.dieMessage("wrong number of arguments") : store.read(requests)
    }),
    caughtBy: ["an empty list does nothing and answers an empty list"]
  },
  {
    name: "takes a life of more than 24 days for none",
    wrap: (store) => {
      const short = (millis: number) => (millis > 2 ** 31 - 1 ? 1 : millis)
      return {
        fill: (requests) =>
          store.fill(requests.map((one) => ({ ...one, timeToLiveMillis: short(one.timeToLiveMillis) }))),
        commit: (request) => store.commit({ ...request, timeToLiveMillis: short(request.timeToLiveMillis) })
      }
    },
    caughtBy: ["a value with the longest life, a year, is there, after a fill and after a commit"]
  },
  {
    name: "stores nothing for a life of a millisecond",
    wrap: (store) => ({
      fill: (requests) =>
        Effect.forEach(requests, (one) =>
          one.timeToLiveMillis > 1 ? fillOne(store, one) : Effect.as(store.release([one.lease]), "Stored" as const)
        )
    }),
    caughtBy: ["a value with the shortest life, one millisecond, is there until that is over"]
  },
  {
    name: "renews for a millisecond too long",
    wrap: (store) => ({ renew: (leases, millis) => store.renew(leases, millis + 1) }),
    caughtBy: ["a renewed lease is held one millisecond before its next end, and free at that millisecond"]
  },
  {
    name: "lets what a commit stores be changed on the way",
    wrap: (store) => ({
      commit: (request) =>
        store.commit(request.bytes === undefined ? request : { ...request, bytes: request.bytes.slice(0, 65_536) })
    }),
    caughtBy: ["a value of one megabyte is read back byte for byte"]
  },
  {
    name: "releases on a fiber that ends with its caller",
    wrap: (store) => ({
      release: (leases) =>
        Effect.asVoid(Effect.fork(Effect.interruptible(Effect.zipRight(Effect.yieldNow(), store.release(leases)))))
    }),
    caughtBy: ["a lease given back by a lookup that was interrupted is free at once"]
  },
  {
    name: "keeps its lock when it is interrupted",
    wrap: (store) => {
      const lock = { held: false }
      const slowly = <A, E>(operation: Effect.Effect<A, E>) =>
        Effect.gen(function* () {
          for (let i = 0; lock.held; i++) {
            if (i > 1_000) return yield* Effect.dieMessage("the lock is never given back")
            yield* Effect.yieldNow()
          }
          lock.held = true
          yield* Effect.yieldNow()
          const answer = yield* operation
          lock.held = false
          return answer
        })
      return {
        lease: (requests) => slowly(store.lease(requests)),
        capture: (request) => slowly(store.capture(request))
      }
    },
    caughtBy: ["operations that are interrupted at any moment leave the store working"]
  },
  {
    name: "grants a lease to each of those who waited for the one that was released",
    wrap: (store) => {
      const released = new Set<string>()
      return {
        release: (leases) => {
          for (const lease of leases) released.add(slot(lease))
          return store.release(leases)
        },
        lease: (requests) =>
          Effect.forEach(requests, (one) =>
            Effect.gen(function* () {
              const answer = yield* leaseOne(store, one)
              if (answer._tag !== "Busy" || !released.has(slot(one))) return answer
              const { shape, key, tags } = one
              const { counter, stamps } = yield* store.capture({ key, shape, tags, retainMillis: long })
              return { _tag: "Granted" as const, lease: { key, shape, token: "another", stamps, counter } }
            })
          )
      }
    },
    caughtBy: ["when its holder is gone, one of those who wait is granted the lease, and the others find its value"]
  },
  {
    name: "merges expirations that come at once",
    wrap: (store) => {
      let running: Promise<Epoch.Counter> | undefined
      return {
        expire: (request) =>
          Effect.promise(
            () =>
              (running ??= Effect.runPromise(store.expire(request)).finally(() => {
                running = undefined
              }))
          )
      }
    },
    caughtBy: ["of twenty expirations of one key and tag at once each counts, and the last is the one that stands"]
  },
  {
    name: "judges learnt tags by its clock",
    wrap: (store) => {
      const fencedAt = new Map<string, number>()
      const leasedAt = new Map<string, number>()
      const remember = (request: Store.FenceRequest) =>
        Effect.map(Clock.currentTimeMillis, (now) => request.tags.forEach((tag) => fencedAt.set(tag, now)))
      return {
        invalidate: (request) => Effect.zipLeft(store.invalidate(request), remember(request)),
        lease: (requests) =>
          Effect.gen(function* () {
            const now = yield* Clock.currentTimeMillis
            const answers = yield* store.lease(requests)
            for (const answer of answers) if (answer._tag === "Granted") leasedAt.set(answer.lease.token, now)
            return answers
          }),
        fill: (requests) =>
          Effect.forEach(requests, (one) => {
            const since = leasedAt.get(one.lease.token) ?? 0
            return one.learntTags.some((tag) => (fencedAt.get(tag) ?? 0) > since)
              ? Effect.succeed("Refused" as const)
              : fillAnyway(store, one, one.learntTags)
          })
      }
    },
    caughtBy: [
      "fill: a learnt tag invalidated meanwhile refuses",
      "fill: a learnt tag invalidated meanwhile and made again by another refuses"
    ]
  }
]
