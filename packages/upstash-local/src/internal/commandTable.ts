/** What Redis itself says about a command: its flags and categories, of the subcommand where there is one. */
import * as Effect from "effect/Effect"
import type { Command } from "./command.js"
import type { Connection } from "./connection.js"
import { Refusal } from "./refusal.js"

export interface Traits {
  /** In capitals, with its subcommand: `CONFIG GET`. */
  readonly name: string
  /** Reads keys and changes nothing. */
  readonly reads: boolean
  /** Runs code, were it only to read. */
  readonly scripts: boolean
  /** About the connection alone, such as `PING`. */
  readonly connection: boolean
  /** Too costly for somebody who may only read, such as `KEYS`. */
  readonly dangerous: boolean
  readonly admin: boolean
}

/** `undefined`: the server does not know the command. */
export type CommandTable = (
  commands: ReadonlyArray<Command>
) => Effect.Effect<ReadonlyArray<Traits | undefined>, Refusal>

const text = (value: unknown): string => String(value).toLowerCase()
const words = (value: unknown): ReadonlySet<string> => new Set(Array.isArray(value) ? value.map(text) : [])

/** Name, arity, flags, three numbers of key positions, categories, and after two more the subcommands. */
type Row = ReadonlyArray<unknown>
const subcommandsOf = (row: Row) => (Array.isArray(row[9]) ? (row[9] as ReadonlyArray<Row>) : [])

const traits = (row: Row): Traits => {
  const name = text(row[0]).replace("|", " ").toUpperCase()
  const flags = words(row[2])
  const categories = words(row[6])
  return {
    name,
    reads: flags.has("readonly"),
    scripts: categories.has("@scripting"),
    connection: categories.has("@connection"),
    dangerous: categories.has("@dangerous"),
    admin: flags.has("admin")
  }
}

const silent = new Refusal({
  status: 500,
  error: "the redis-server behind this server does not answer COMMAND INFO, which tells what may write"
})

/** Asks the server once about each command that it knows. */
export const make = (connection: Connection): CommandTable => {
  const known = new Map<string, Row>()

  const learn = (names: ReadonlyArray<string>) =>
    Effect.flatMap(connection.run([{ name: "COMMAND", args: ["INFO", ...names] }]), ([rows]) => {
      if (!Array.isArray(rows)) return silent
      names.forEach((name, index) => {
        const row = rows[index] as Row | null
        // What is unknown is not kept: there is no end to the names that a client can think of.
        if (row !== null) known.set(name, row)
      })
      return Effect.void
    })

  return (commands) => {
    const names = [...new Set(commands.map(({ name }) => name))].filter((name) => !known.has(name))
    return Effect.map(names.length === 0 ? Effect.void : learn(names), () =>
      commands.map(({ args, name }) => {
        const row = known.get(name)
        if (row === undefined) return undefined
        const full = `${name}|${args[0] ?? ""}`.toLowerCase()
        return traits(subcommandsOf(row).find((subcommand) => text(subcommand[0]) === full) ?? row)
      })
    )
  }
}
