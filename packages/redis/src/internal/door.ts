/** How a server, a primary behind sentinels, or a cluster is reached: for commands, and for a subscription. */
import type { RedisError } from "@larder/cache/RedisClient"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Cluster from "./cluster.js"
import * as Connection from "./connection.js"
import * as Sentinel from "./sentinel.js"
import type { Host, Settings } from "./settings.js"

export interface Door {
  readonly commands: Effect.Effect<Connection.Connection, RedisError, Scope.Scope>
  readonly messages: Effect.Effect<Connection.Opened, RedisError, Scope.Scope>
}

export const make = (settings: Settings): Door => {
  const { target } = settings
  switch (target._tag) {
    case "Single": {
      const connection = Connection.open(settings, target.address)
      return { commands: Effect.map(connection, Connection.commands), messages: connection }
    }
    case "Sentinel": {
      const connection = Sentinel.primary(settings, target).pipe(
        Effect.flatMap((address) => Connection.open(settings, address)),
        Effect.tap(({ redis }) => Sentinel.isPrimary(redis))
      )
      return { commands: Effect.map(connection, Connection.commands), messages: connection }
    }
    case "Cluster": {
      // A message published on one node of a cluster is heard on all.
      let known: ReadonlyArray<Host> = []
      return {
        commands: Cluster.open(settings, target, (nodes) => (known = nodes)),
        messages: Effect.suspend(() =>
          Effect.firstSuccessOf([...known, ...target.nodes].map((address) => Connection.open(settings, address)))
        )
      }
    }
  }
}
