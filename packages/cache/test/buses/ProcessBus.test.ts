/** The relay between a process and those it has forked, over pairs of emitters; real processes are in `@larder/redis`. */
import { describe, expect, it } from "@effect/vitest"
import { InvalidationBus, ProcessBus } from "@larder/cache"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { EventEmitter } from "node:events"
import { settle } from "../support/time.js"

/** Both ends of a channel: what is sent arrives at once, and is taken unless the child is frozen. */
const fork = () => {
  const ends = { child: new EventEmitter(), parent: new EventEmitter() }
  const state = { frozen: false, arrived: 0 }
  const child: ProcessBus.Child = {
    send: (message, sent) => {
      state.arrived += 1
      if (state.frozen) return
      ends.parent.emit("message", message)
      sent(null)
    },
    on: (event, listener) => ends.child.on(event, listener)
  }
  const parent: ProcessBus.Parent = {
    send: (message, _handle, _options, sent) => {
      ends.child.emit("message", message)
      sent(null)
    },
    on: (event, listener) => ends.parent.on(event, listener),
    off: (event, listener) => ends.parent.off(event, listener)
  }
  return { child, ends, parent, state }
}

/** What a bus hears, from now on. */
const hearing = (bus: InvalidationBus.InvalidationBus["Type"]) =>
  Effect.gen(function* () {
    const heard: Array<string> = []
    yield* Effect.forkScoped(Stream.runForEach(bus.texts, (text) => Effect.sync(() => heard.push(text))))
    yield* settle
    return Effect.as(settle, heard)
  })

describe("ProcessBus", () => {
  it.scoped("what one tells is heard by all in one order: by itself, by other children, and by the parent", () =>
    Effect.gen(function* () {
      const relay = ProcessBus.makeRelay()
      const forks = [fork(), fork()] as const
      for (const { child } of forks) relay.join(child)
      const one = yield* ProcessBus.make(forks[0].parent)
      const two = yield* ProcessBus.make(forks[1].parent)
      const own = yield* Effect.provide(InvalidationBus.InvalidationBus, relay.layer)
      const heard = yield* Effect.forEach([one, two, own], hearing)
      yield* one.publish("1")
      yield* own.publish("2")
      yield* two.publish("3")
      for (const each of heard) expect(yield* each).toEqual(["1", "2", "3"])
    })
  )

  it.scoped("a child that joins twice hears once", () =>
    Effect.gen(function* () {
      const relay = ProcessBus.makeRelay()
      const { child, parent } = fork()
      relay.join(child)
      relay.join(child)
      const bus = yield* ProcessBus.make(parent)
      const heard = yield* hearing(bus)
      yield* bus.publish("1")
      expect(yield* heard).toEqual(["1"])
    })
  )

  it.scoped("messages of the program and of other channels are not the bus's", () =>
    Effect.gen(function* () {
      const { child, ends, parent, state } = fork()
      const other = ProcessBus.makeRelay({ channel: "other" })
      ProcessBus.makeRelay().join(child)
      other.join(child)
      const heard = yield* hearing(yield* ProcessBus.make(parent))
      const own = yield* Effect.provide(InvalidationBus.InvalidationBus, other.layer)
      yield* own.publish("1")
      for (const message of ["text", null, { text: "x" }, { larderBus: "larder:bus:1", text: 1 }]) {
        ends.parent.emit("message", message)
        ends.child.emit("message", message)
      }
      expect([yield* heard, state.arrived]).toEqual([[], 1])
    })
  )

  it.scoped("what waits for a child that is frozen is bounded, and others hear all", () =>
    Effect.gen(function* () {
      const relay = ProcessBus.makeRelay()
      const [frozen, other] = [fork(), fork()]
      frozen.state.frozen = true
      for (const { child } of [frozen, other]) relay.join(child)
      const own = yield* Effect.provide(InvalidationBus.InvalidationBus, relay.layer)
      for (let i = 0; i < 10_005; i++) yield* own.publish("1")
      expect([frozen.state.arrived, other.state.arrived]).toEqual([10_000, 10_005])
    })
  )

  it.scoped("a child that disconnects is told nothing more", () =>
    Effect.gen(function* () {
      const relay = ProcessBus.makeRelay()
      const { child, ends, state } = fork()
      relay.join(child)
      ends.child.emit("disconnect")
      const own = yield* Effect.provide(InvalidationBus.InvalidationBus, relay.layer)
      yield* own.publish("1")
      expect(state.arrived).toBe(0)
    })
  )

  it.effect("after its scope a child listens no more", () =>
    Effect.gen(function* () {
      const { ends, parent } = fork()
      const during = yield* Effect.scoped(
        Effect.map(ProcessBus.make(parent), () => ends.parent.listenerCount("message"))
      )
      expect([during, ends.parent.listenerCount("message")]).toEqual([1, 0])
    })
  )

  it.scoped("a process that was not forked has no such bus; one whose parent is gone cannot tell", () =>
    Effect.gen(function* () {
      const { parent } = fork()
      const { send: _, ...alone } = parent
      expect((yield* Effect.flip(ProcessBus.make(alone))).detail).toBe("this process was not forked")
      const orphan = yield* ProcessBus.make({
        ...parent,
        send: (_message, _handle, _options, sent) => sent(new Error("channel closed"))
      })
      expect((yield* Effect.flip(orphan.publish("1"))).detail).toBe("the parent is gone")
    })
  )
})
