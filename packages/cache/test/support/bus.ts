/**
 * A bus that a test makes lose, repeat, garble and refuse what is sent, and a store beside it that can publish inside
 * its operations, as the scripts on a server do.
 */
import { CacheError, InvalidationBus, Store } from "@larder/cache"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Mailbox from "effect/Mailbox"
import * as Stream from "effect/Stream"

type Listener = Mailbox.Mailbox<string, CacheError.StoreError>

const failure = (operation: string) =>
  new CacheError.StoreError({ store: "bus", operation, reason: "Unavailable", detail: "as was asked for" })

const isFence = (text: string): boolean => !text.includes('"b":')

const makeHub = () => {
  const listeners = new Set<Listener>()
  let losing = 0
  let sent = 0
  let fences = 0
  let next: "twice" | "garbled" | undefined
  let deaf = false
  let refuses = false
  const offer = (text: string): void => {
    if (deaf) return
    for (const listener of listeners) listener.unsafeOffer(text)
  }
  const send = (text: string): boolean => {
    if (refuses) return false
    sent += 1
    if (!isFence(text)) {
      offer(text)
      return true
    }
    fences += 1
    if (losing > 0) {
      losing -= 1
      return true
    }
    const how = next
    next = undefined
    offer(how === "garbled" ? "not a message" : text)
    if (how === "twice") offer(text)
    return true
  }
  const texts = Stream.unwrapScoped(
    Effect.acquireRelease(
      Effect.tap(Mailbox.make<string, CacheError.StoreError>(), (listener) =>
        Effect.sync(() => listeners.add(listener))
      ),
      (listener) => Effect.sync(() => listeners.delete(listener))
    ).pipe(Effect.map(Mailbox.toStream))
  )
  return {
    send,
    texts,
    sent: () => sent,
    fences: () => fences,
    listeners: () => listeners.size,
    /** The next fences that are told are lost. */
    lose: (count: number) => void (losing = count),
    duplicate: () => void (next = "twice"),
    garble: () => void (next = "garbled"),
    /** Nothing is heard, and nobody is told so. */
    deafen: () => void (deaf = true),
    hear: () => void (deaf = false),
    /** Every subscription ends. */
    cut: () => {
      for (const listener of listeners) listener.unsafeDone(Exit.fail(failure("listen")))
    },
    refuse: (does: boolean) => void (refuses = does)
  }
}

export class Control extends Context.Tag("test/Bus/Control")<
  Control,
  {
    readonly hub: ReturnType<typeof makeHub>
    readonly holdReads: () => void
    readonly letReadsGo: () => void
    readonly reads: () => number
    /** Fences wait before they fall. */
    readonly holdFences: () => void
    readonly letFencesGo: () => void
    readonly forgetEverything: Effect.Effect<void, CacheError.StoreError>
  }
>() {}

/** `carried`: the store sends what is invalidated inside its operation. */
export const layer = ({
  carried
}: {
  readonly carried: boolean
}): Layer.Layer<Store.Store | InvalidationBus.InvalidationBus | Control> =>
  Layer.effectContext(
    Effect.gen(function* () {
      const hub = makeHub()
      const store = yield* Effect.scoped(Effect.map(Layer.build(Store.layerMemory), Context.get(Store.Store)))
      const gate = yield* Effect.makeLatch(true)
      const fenceGate = yield* Effect.makeLatch(true)
      let reads = 0
      let counter = ""
      const count = (now: { readonly era: string; readonly n: number }) => (counter = `${now.era}-${now.n}`)
      count((yield* Effect.orDie(store.capture({ key: "any", shape: "any", tags: [], retainMillis: 1 }))).counter)
      const told = (announcement: Store.Announcement | undefined) => {
        if (announcement !== undefined) hub.send(`${counter} ${announcement.text}`)
      }
      const fence = (kind: "invalidate" | "expire") => (request: Store.FenceRequest) =>
        fenceGate.await.pipe(
          Effect.zipRight(store[kind](request)),
          Effect.tap((now) => {
            count(now)
            told(request.announcement)
          })
        )
      const publish = (text: string) =>
        Effect.suspend(() => (hub.send(text) ? Effect.void : Effect.fail(failure("publish"))))
      const bus: InvalidationBus.InvalidationBus["Type"] = {
        name: "test",
        channel: "test",
        carrier: carried ? hub : undefined,
        publish,
        publishCounted: carried ? (text) => Effect.suspend(() => publish(`${counter} ${text}`)) : undefined,
        texts: hub.texts
      }
      return Context.empty().pipe(
        Context.add(InvalidationBus.InvalidationBus, bus),
        Context.add(Store.Store, {
          ...store,
          carrier: carried ? hub : undefined,
          // What was read is on its way while the gate is closed.
          read: (requests) =>
            Effect.tap(store.read(requests), () => {
              reads += 1
              return gate.await
            }),
          invalidate: fence("invalidate"),
          expire: fence("expire"),
          commit: (request) =>
            Effect.tap(store.commit(request), (answer) => {
              count(answer.counter)
              told(request.announcement)
            })
        }),
        Context.add(Control, {
          hub,
          holdReads: () => gate.unsafeClose(),
          letReadsGo: () => gate.unsafeOpen(),
          reads: () => reads,
          holdFences: () => fenceGate.unsafeClose(),
          letFencesGo: () => fenceGate.unsafeOpen(),
          forgetEverything: Effect.asVoid(
            Effect.tap(store.invalidate({ keys: [], tags: [], everything: true }), (now) =>
              Effect.sync(() => count(now))
            )
          )
        })
      )
    })
  )
