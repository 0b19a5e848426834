/** What a process holds: the heap after a collection, sockets, timers, fibers. */
import * as Effect from "effect/Effect"
import * as Supervisor from "effect/Supervisor"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"

export interface Held {
  readonly heapBytes: number
  readonly sockets: number
  readonly timers: number
  readonly fibers: number
}

/** The collector, also in a process that was started without `--expose-gc`. */
const collect: () => void = (() => {
  setFlagsFromString("--expose-gc")
  return runInNewContext("gc") as () => void
})()

/** Counts the fibers of what it supervises, at a fixed price each. */
export interface Census {
  readonly watch: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  readonly held: Effect.Effect<Held>
}

class Counting extends Supervisor.AbstractSupervisor<number> {
  count = 0
  get value(): Effect.Effect<number> {
    return Effect.sync(() => this.count)
  }
  override onStart(): void {
    this.count += 1
  }
  override onEnd(): void {
    this.count -= 1
  }
}

export const make: Effect.Effect<Census> = Effect.sync(() => {
  const counting = new Counting()
  return {
    watch: Effect.supervised(counting),
    held: Effect.gen(function* () {
      for (let i = 0; i < 3; i++) {
        collect()
        // What a finalizer lets go of is collected the next time.
        yield* Effect.sleep(5)
      }
      const resources = process.getActiveResourcesInfo()
      const count = (name: RegExp) => resources.filter((one) => name.test(one)).length
      return {
        heapBytes: process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers,
        sockets: count(/^(TCP|Pipe)(Socket)?(Connect)?Wrap$|^TCPSocket/),
        timers: count(/^Timeout$/),
        fibers: counting.count
      }
    })
  }
})

/** How much more is held now than before. */
export const since = (before: Held, now: Held): Held => ({
  heapBytes: now.heapBytes - before.heapBytes,
  sockets: now.sockets - before.sockets,
  timers: now.timers - before.timers,
  fibers: now.fibers - before.fibers
})
