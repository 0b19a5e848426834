/**
 * A cluster, as one connection: ioredis's `Cluster` knows which node has which slot, sends each command where its first
 * key lies, and follows MOVED and ASK.
 *
 * It lives while any node answers. When none does it has ended, and the next one starts from the addresses of the
 * options: nodes may all have moved meanwhile. What else departs from its defaults:
 *
 * - `retryDelayOnFailover` and `retryDelayOnClusterDown` 0: a command without a reply fails; the next one is soon
 *   enough. For the same reason a node that is away fails its commands at once;
 * - nodes are reconnected with pauses, each by itself, and the slots are read again whenever one fails;
 * - primaries are connected before they are asked: commands for one that is just connecting would fail;
 * - no `slotsRefreshInterval`: a refresh under way when the cluster is closed starts the timer again, for ever;
 * - names are resolved by Node, for each connection, so that a certificate can be checked against them;
 * - no ready check: a cluster with a part missing still has the others.
 */
import type { RedisError } from "@larder/cache/RedisClient"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { Cluster, type Redis } from "ioredis"
import { randomInt } from "node:crypto"
import { command, type Connection, inOnePiece, optionsOf, outcomeOf, socketOf } from "./connection.js"
import { pauseMillis } from "./link.js"
import { fromAnswer, fromNetwork, isAnswer, unavailable } from "./redisError.js"
import { type Host, placeOf, type Settings, type Target } from "./settings.js"

type ClusterTarget = Target & { readonly _tag: "Cluster" }

/** How often the slots are read without a reason. */
const refreshEvery = "10 seconds"

const make = (settings: Settings, { natMap, nodes }: ClusterTarget): Cluster =>
  new Cluster(
    nodes.map((node) => ({ ...node })),
    {
      lazyConnect: true,
      enableOfflineQueue: false,
      enableReadyCheck: false,
      scaleReads: "master",
      maxRedirections: 5,
      retryDelayOnFailover: 0,
      retryDelayOnClusterDown: 0,
      retryDelayOnTryAgain: 20,
      slotsRefreshTimeout: settings.connectMillis / 4,
      clusterRetryStrategy: () => null,
      clusterNodeRetryStrategy: (times) => pauseMillis(times, randomInt(1_000) / 1_000),
      dnsLookup: (name, answer) => answer(null, name),
      redisOptions: optionsOf(settings, settings.credentials),
      ...(natMap === undefined ? {} : { natMap: { ...natMap } })
    }
  )

const connect = (node: Redis): Promise<void> =>
  node.status === "wait" ? node.connect().catch(() => undefined) : Promise.resolve()

/**
 * ioredis 5 calls a node ready whose connection ended during the handshake, and then refuses to connect it again.
 * https://github.com/redis/ioredis/issues/2099
 */
const reviveIfGone = (node: Redis): void => {
  if (node.status === "ready" && socketOf(node)?.destroyed === true) node.status = "reconnecting"
}

/** `discovered` is told of the nodes that hold slots, as far as they are known. */
export const open = (
  settings: Settings,
  target: ClusterTarget,
  discovered: (nodes: ReadonlyArray<Host>) => void
): Effect.Effect<Connection, RedisError, Scope.Scope> =>
  Effect.gen(function* () {
    let cause: unknown
    const cluster = yield* Effect.acquireRelease(
      Effect.sync(() => make(settings, target)),
      (cluster) => Effect.sync(() => cluster.disconnect())
    )
    const nodes = () => cluster.nodes("master")
    // A cluster that is closed while its nodes wait to be reconnected says neither `close` nor `end`, and one that is
    // connecting says that no node answers by this event only. Without a listener ioredis would print it.
    const ended = new Promise<void>((resolve) => {
      for (const event of ["error", "end", "dropped"]) cluster.once(event, resolve)
    })
    cluster.on("error", () => {})
    const drop = () => {
      cluster.disconnect()
      cluster.emit("dropped")
    }

    const refresh = () => {
      if (cluster.status !== "ready") return
      cluster.refreshSlotsCache((error) => {
        if (error !== undefined && error !== null) drop()
      })
    }
    cluster.on("node error", (error: Error) => {
      // Each is followed by one that only says that the connection is closed.
      if (isAnswer(error) || "code" in error) cause = error
      refresh()
    })
    // In the next tick: a command that was redirected to the node waits for the connection that it starts itself.
    cluster.on("+node", (node: Redis) => {
      node.on("ready", () => reviveIfGone(node))
      if (node.options.readOnly !== true) process.nextTick(() => void connect(node))
    })

    const nobody = `no node of the cluster at ${target.nodes.map(placeOf).join(", ")} answers`
    const noConnection = () =>
      isAnswer(cause) ? fromAnswer(cause, "the cluster did not let us in") : fromNetwork(nobody, cause)
    const connected = Effect.tryPromise({
      try: () => Promise.race([cluster.connect(), ended.then(() => Promise.reject(new Error()))]),
      catch: noConnection
    })
    yield* Effect.timeoutFail(connected, {
      duration: settings.connectMillis,
      onTimeout: () => unavailable(`${nobody} within ${settings.connectMillis} ms`)
    })
    // A node that is away must not keep the others from being used.
    yield* Effect.promise(() => Promise.all(nodes().map(untilSettled))).pipe(
      Effect.timeoutOption(settings.connectMillis / 2)
    )
    discovered(nodes().map(({ options: { host, port } }) => ({ host: host!, port: port! })))
    yield* Effect.forkScoped(Effect.schedule(Effect.sync(refresh), Schedule.spaced(refreshEvery)))

    return {
      send: async (commands) =>
        Promise.all(
          inOnePiece(nodes().map(socketOf), () =>
            commands.map((one) => outcomeOf(cluster.sendCommand(command(one)) as Promise<unknown>))
          )
        ),
      lost: Effect.map(
        Effect.promise(() => ended),
        () => fromNetwork(nobody, cause)
      ),
      drop
    }
  })

/** When a node is connected, or cannot be. */
const untilSettled = (node: Redis): Promise<void> =>
  node.status === "ready"
    ? Promise.resolve()
    : new Promise((resolve) => {
        node.once("ready", resolve)
        node.once("close", resolve)
        void connect(node)
      })
