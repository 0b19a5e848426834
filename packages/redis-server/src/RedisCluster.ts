/**
 * A real Redis Cluster for a test: several `redis-server` processes on the loopback that share the 16 384 slots, each
 * with replicas if asked for, all ended with the scope. A node can be suspended, stopped and started as any
 * `RedisServer`; one that is started again has lost its data and keeps its place in the cluster.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { freePort, host, tell } from "./internal/loopback.js"
import * as RedisServer from "./RedisServer.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** How many nodes share the slots. Default 3, the fewest that agree on the failure of one. */
  readonly masters?: number | undefined
  /** How many replicas each of them has. Default none: when a node is gone, so are its slots. */
  readonly replicas?: number | undefined
  /** Milliseconds without an answer after which a node counts as gone. Default 5 000: no node is gone on a busy machine. */
  readonly nodeTimeoutMillis?: number | undefined
  /** Further arguments of every node's command line. */
  readonly args?: ReadonlyArray<string> | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Node extends Context.Tag.Service<RedisServer.RedisServer> {
  /** The slots it was given at first, both ends included; a replica has those of its master. */
  readonly slots: readonly [first: number, last: number]
}

/**
 * @since 0.1.0
 * @category tags
 */
export class RedisCluster extends Context.Tag("@larder/redis-server/RedisCluster")<
  RedisCluster,
  {
    /** Those that share the slots, in the order of the slots. */
    readonly masters: ReadonlyArray<Node>
    readonly replicas: ReadonlyArray<Node>
    /** Ends when every node that runs finds the cluster whole. */
    readonly settled: Effect.Effect<void, RedisServer.RedisServerError>
  }
>() {}

const slotCount = 16_384
const settleMillis = 20_000
const poll = 20

const node = (options: Options) =>
  Effect.gen(function* () {
    const bus = yield* freePort
    const timeout = String(options.nodeTimeoutMillis ?? 5_000)
    const cluster = ["--cluster-enabled", "yes", "--cluster-port", String(bus), "--cluster-node-timeout", timeout]
    // A primary waits for five seconds whether more replicas come, unless it is told not to.
    const server = yield* RedisServer.make({
      args: [...cluster, "--repl-diskless-sync-delay", "0", ...(options.args ?? [])]
    })
    return { server, bus }
  }).pipe(Effect.retry({ times: 4 }))

const failed = (error: Error): RedisServer.RedisServerError =>
  error instanceof RedisServer.RedisServerError
    ? error
    : new RedisServer.RedisServerError({ message: `the cluster could not be formed: ${error.message}` })

const order = (port: number, command: string) =>
  Effect.flatMap(tell(port, command), (reply) =>
    reply.startsWith("-") ? Effect.fail(new Error(reply.slice(1))) : Effect.succeed(reply)
  )

/** Waits in real time for a condition of one node. */
const until = (what: string, condition: Effect.Effect<boolean, Error>) =>
  Effect.orElseSucceed(condition, () => false).pipe(
    Effect.filterOrFail(
      (holds) => holds,
      () => new Error(`${what} within ${settleMillis} ms`)
    ),
    Effect.retry(Schedule.intersect(Schedule.spaced(poll), Schedule.recurs(settleMillis / poll))),
    Effect.withClock(Clock.make())
  )

/**
 * Starts a cluster that ends with the scope.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  options: Options = {}
): Effect.Effect<Context.Tag.Service<RedisCluster>, RedisServer.RedisServerError, Scope.Scope> =>
  Effect.gen(function* () {
    const masterCount = options.masters ?? 3
    const replicaCount = masterCount * (options.replicas ?? 0)
    const started = yield* Effect.all(
      Array.from({ length: masterCount + replicaCount }, () => node(options)),
      { concurrency: "unbounded" }
    )
    const nodes = started.map(({ server }, i): Node => {
      const place = i % masterCount
      const first = Math.floor((place * slotCount) / masterCount)
      return { ...server, slots: [first, Math.floor(((place + 1) * slotCount) / masterCount) - 1] }
    })
    const [masters, replicas] = [nodes.slice(0, masterCount), nodes.slice(masterCount)]

    // Epochs of their own, so that nobody has to find out that two are the same.
    yield* Effect.forEach(nodes, ({ port }, i) => order(port, `CLUSTER SET-CONFIG-EPOCH ${i + 1}`))
    yield* Effect.forEach(masters, ({ port, slots }) => order(port, `CLUSTER ADDSLOTSRANGE ${slots.join(" ")}`))
    yield* Effect.forEach(started.slice(1), ({ bus, server }) =>
      order(masters[0]!.port, `CLUSTER MEET ${host} ${server.port} ${bus}`)
    )
    const knows = (count: number) => (port: number) =>
      until(
        `node ${port} did not meet the others`,
        Effect.map(tell(port, "CLUSTER NODES"), (text) => {
          const known = text.trim().split("\n")
          return known.length === count && known.every((line) => !line.includes("handshake"))
        })
      )
    yield* Effect.forEach(nodes, ({ port }) => knows(nodes.length)(port))
    yield* Effect.forEach(replicas, ({ port }, i) =>
      Effect.flatMap(order(masters[i % masterCount]!.port, "CLUSTER MYID"), (id) =>
        order(port, `CLUSTER REPLICATE ${id}`)
      )
    )
    yield* Effect.forEach(replicas, ({ port }) =>
      until(
        `replica ${port} did not reach its master`,
        Effect.map(tell(port, "INFO replication"), (text) => text.includes("master_link_status:up"))
      )
    )

    const whole = ({ pid, port }: Node) =>
      Effect.flatMap(pid, (running) =>
        running._tag === "None"
          ? Effect.void
          : until(
              `node ${port} did not find the cluster whole`,
              Effect.map(tell(port, "CLUSTER INFO"), (text) => /cluster_state:ok[^]*slots_ok:16384/.test(text))
            )
      )
    const settled = Effect.mapError(Effect.forEach(nodes, whole, { discard: true }), failed)
    yield* settled
    return { masters, replicas, settled }
  }).pipe(Effect.mapError(failed))

/**
 * @since 0.1.0
 * @category layers
 */
export const layerWith = (options: Options): Layer.Layer<RedisCluster, RedisServer.RedisServerError> =>
  Layer.scoped(RedisCluster, make(options))

/**
 * Three nodes without replicas.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<RedisCluster, RedisServer.RedisServerError> = layerWith({})
