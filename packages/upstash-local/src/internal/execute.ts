/** Carries out the commands of one request, on the server that may answer them, and writes the answer down. */
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import type { Command } from "./command.js"
import type { CommandTable, Traits } from "./commandTable.js"
import type { Connection } from "./connection.js"
import * as Permission from "./permission.js"
import { badRequest, type Refusal } from "./refusal.js"
import * as Replica from "./replica.js"
import * as Reply from "./reply.js"
import * as Resp from "./resp.js"
import type { SyncTokens } from "./syncToken.js"

export interface Options {
  readonly connection: Connection
  readonly replica: Replica.Replica
  readonly table: CommandTable
  readonly syncTokens: SyncTokens
  /** Told how many commands a request holds, before they are carried out. */
  readonly onCommands: (count: number) => void
}

/** What a request asks for beside its commands. */
export interface Asked {
  readonly access: Permission.Access
  readonly format: "json" | "base64" | "resp2"
  readonly syncToken: string | undefined
}

type Response = HttpServerResponse.HttpServerResponse
type Execute = (commands: ReadonlyArray<Command>, asked: Asked) => Effect.Effect<Response, Refusal>

export interface Executor {
  readonly single: (command: Command, asked: Asked) => Effect.Effect<Response, Refusal>
  readonly pipeline: Execute
  /** Answered in JSON also where RESP2 is asked for, as at Upstash. */
  readonly transaction: Execute
}

/** Scripts that only read are for the first server too: another one does not know them by their hash. */
const mayLag = (traits: Traits | undefined): boolean => traits !== undefined && traits.reads && !traits.scripts

export const make = ({ connection: primary, onCommands, replica, syncTokens, table }: Options): Executor => {
  /** The server for these commands: one that lags is not shown to somebody who has seen more than it has. */
  const choose = (traits: ReadonlyArray<Traits | undefined>, { syncToken }: Asked) =>
    Effect.gen(function* () {
      if (!replica.lags() || !traits.every(mayLag)) return primary
      const lagging = yield* replica.connection
      return (yield* Replica.offset(lagging)) >= syncTokens.offset(syncToken) ? lagging : primary
    })

  const headers = (offset: number) => ({ "upstash-sync-token": syncTokens.issue(offset) })

  /** Taken after the commands, so that what they wrote is in it. */
  const headersOf = (server: Connection) =>
    replica.lags() ? Effect.map(Replica.offset(server), headers) : Effect.sync(() => headers(0))

  const prepare = (commands: ReadonlyArray<Command>, { access }: Asked) =>
    Effect.gen(function* () {
      onCommands(commands.length)
      const traits = yield* table(commands)
      return { traits, refusals: commands.map((command, index) => Permission.refused(command, traits[index], access)) }
    })

  /** One outcome for each command, those that are refused among them, from one server. */
  const outcomes = <A>(
    commands: ReadonlyArray<Command>,
    asked: Asked,
    run: (server: Connection, commands: ReadonlyArray<Command>) => Effect.Effect<ReadonlyArray<A>, Refusal>,
    refuse: (error: string) => A
  ) =>
    Effect.gen(function* () {
      const { refusals, traits } = yield* prepare(commands, asked)
      const allowed = refusals.flatMap((error, index) => (error === undefined ? [index] : []))
      const server = yield* choose(
        allowed.map((index) => traits[index]),
        asked
      )
      const replies = yield* run(
        server,
        allowed.map((index) => commands[index]!)
      )
      const next = replies[Symbol.iterator]()
      const all = refusals.map((error) => (error === undefined ? (next.next().value as A) : refuse(error)))
      return { all, headers: yield* headersOf(server) }
    })

  const answers = (commands: ReadonlyArray<Command>, asked: Asked) =>
    outcomes<Reply.Answer>(
      commands,
      asked,
      (server, allowed) =>
        Effect.map(server.run(allowed), (replies) =>
          replies.map((reply) => Reply.toAnswer(reply, asked.format === "base64"))
        ),
      (error) => ({ error })
    )

  const raw = (commands: ReadonlyArray<Command>, asked: Asked) =>
    outcomes<Buffer>(commands, asked, (server, allowed) => server.runRaw(allowed), Resp.error)

  return {
    single: (command, asked) =>
      asked.format === "resp2"
        ? Effect.map(raw([command], asked), ({ all, headers }) =>
            Resp.respond(all, { status: all.some(Resp.isError) ? 400 : 200, headers })
          )
        : Effect.map(answers([command], asked), ({ all: [answer], headers }) =>
            HttpServerResponse.unsafeJson(answer, { status: "error" in answer! ? 400 : 200, headers })
          ),
    pipeline: (commands, asked) =>
      asked.format === "resp2"
        ? Effect.map(raw(commands, asked), ({ all, headers }) => Resp.respond(all, { status: 200, headers }))
        : Effect.map(answers(commands, asked), ({ all, headers }) => HttpServerResponse.unsafeJson(all, { headers })),
    transaction: (commands, asked) =>
      Effect.gen(function* () {
        const { refusals } = yield* prepare(commands, asked)
        const refused = refusals.find((error) => error !== undefined)
        if (refused !== undefined) return yield* badRequest(refused)
        const replies = yield* primary.transaction(commands)
        if (replies instanceof Error) return yield* badRequest(replies.message)
        const all = replies.map((reply) => Reply.toAnswer(reply, asked.format === "base64"))
        return HttpServerResponse.unsafeJson(all, { headers: yield* headersOf(primary) })
      })
  }
}
