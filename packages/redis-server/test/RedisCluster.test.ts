import { expect, it } from "@effect/vitest"
import { describeWithRedis } from "@larder/testing/DescribeWithRedis"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import { RedisCluster } from "../src/index.js"
import { tell } from "../src/internal/loopback.js"

/** Slots: foo 12182, bar 5061, hello 866. */
const keyOf = ["hello", "bar", "foo"] as const

const soon = <A, E>(effect: Effect.Effect<A, E>) =>
  Effect.retry(effect, Schedule.intersect(Schedule.spaced(20), Schedule.recurs(500)))

describeWithRedis("RedisCluster", () => {
  it.effect("three nodes share the slots, and end with the scope", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const { masters, replicas } = yield* Scope.extend(RedisCluster.make(), scope)
      expect(masters.map(({ slots }) => slots)).toEqual([
        [0, 5460],
        [5461, 10921],
        [10922, 16383]
      ])
      expect(replicas).toEqual([])
      expect(yield* tell(masters[0]!.port, `SET ${keyOf[0]} 1`)).toBe("+OK")
      expect(yield* tell(masters[2]!.port, `SET ${keyOf[2]} 1`)).toBe("+OK")
      expect(yield* tell(masters[1]!.port, `SET ${keyOf[2]} 1`)).toBe(`-MOVED 12182 127.0.0.1:${masters[2]!.port}`)
      yield* Scope.close(scope, Exit.void)
      expect(yield* Effect.forEach(masters, ({ pid }) => pid)).toEqual(masters.map(() => Option.none()))
    })
  )

  it.scopedLive("a node that was stopped comes back to its slots, without its data", () =>
    Effect.gen(function* () {
      const { masters, settled } = yield* RedisCluster.make()
      const node = masters[2]!
      expect(yield* tell(node.port, `SET ${keyOf[2]} 1`)).toBe("+OK")
      yield* node.stop
      yield* node.start
      yield* settled
      expect(yield* tell(node.port, `EXISTS ${keyOf[2]}`)).toBe(":0")
    })
  )

  it.scopedLive("a replica takes over when its master is gone", () =>
    Effect.gen(function* () {
      const { masters, replicas, settled } = yield* RedisCluster.make({ replicas: 1, nodeTimeoutMillis: 500 })
      expect(yield* tell(masters[2]!.port, `SET ${keyOf[2]} kept`)).toBe("+OK")
      expect(yield* tell(masters[2]!.port, "WAIT 1 5000")).toBe(":1")
      yield* masters[2]!.stop
      yield* soon(
        Effect.filterOrFail(
          tell(replicas[2]!.port, "ROLE"),
          (role) => role.includes("master") && !role.includes("slave")
        )
      )
      yield* settled
      expect(yield* tell(replicas[2]!.port, `GET ${keyOf[2]}`)).toBe("kept")
    })
  )
})
