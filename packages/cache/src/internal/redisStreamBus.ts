/**
 * A Redis stream as a bus: the store's scripts append what they let fall, and each instance reads on from where it was.
 * What could not be read for a while is read later, so a short outage is no gap.
 *
 * The counter of the store is read with the texts, in one script: whoever has heard them knows that this is how far the
 * store was. So a beat is a reading, and no text of it goes through the stream where the store counts.
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Mailbox from "effect/Mailbox"
import * as Stream from "effect/Stream"
import { StoreError } from "../CacheError.js"
import type { InvalidationBus } from "../InvalidationBus.js"
import type { RedisClient, Reply } from "../RedisClient.js"
import { limit } from "./limit.js"
import * as redisCarrier from "./redisCarrier.js"
import * as redisCommands from "./redisCommands.js"
import * as redisFrame from "./redisFrame.js"
import * as redisKeys from "./redisKeys.js"
import { append, readStream } from "./redisScripts.js"
import * as token from "./token.js"

/** So many texts are read in one round trip. */
const most = 500
/** A reading that takes longer is given up. */
const patienceMillis = 1_000
/** What asks more often than this asks for nothing else. */
const shortestPauseMillis = 10

/** Where one listener is in the stream. */
interface Reader {
  readonly mailbox: Mailbox.Mailbox<string, StoreError>
  /** One reading at a time: texts keep their order. */
  readonly alone: Effect.Semaphore
  /** Behind the last text that was read; at the beginning unknown. */
  after: string
}

export const make = (
  client: RedisClient["Type"],
  keyPrefix: string,
  everyMillis: number
): Effect.Effect<Context.Tag.Service<InvalidationBus>> =>
  Effect.gen(function* () {
    const scripts = yield* Effect.all({
      append: redisCommands.script(append),
      read: redisCommands.script(readStream)
    })
    const { counter, nobody, stream } = redisKeys.make(keyPrefix)
    const name = `${client.name} stream`
    const commands = redisCommands.make(client, `${name} bus`)
    const pauseMillis = Math.max(shortestPauseMillis, everyMillis)
    const readers = new Set<Reader>()
    const gone = new StoreError({
      store: `${name} bus`,
      operation: "listen",
      reason: "Unavailable",
      detail: "what was to be read next is no longer in the stream"
    })

    /** Hands on what has been appended, and a beat behind it with the counter as it was read. */
    const read = (reader: Reader, beat?: string): Effect.Effect<void, StoreError> =>
      Effect.suspend(() => {
        const { after, mailbox } = reader
        const call = { keys: [counter, nobody, stream], args: [token.nonce(), after, String(most)] }
        return Effect.flatMap(commands.run("listen", scripts.read, [call]), ([reply]) => {
          // A reading that was given up may come to its end behind the one after it.
          if (reader.after !== after) return Effect.void
          if (reply === null) return Effect.sync(() => mailbox.unsafeDone(Exit.fail(gone)))
          const [now, next, more, ...texts] = (Array.isArray(reply) ? reply : []).map(
            (part: Reply) => redisFrame.text(part) ?? String(part)
          )
          if (now === undefined || next === undefined) {
            return Effect.fail(commands.badReply("listen", "the script answered no place in the stream"))
          }
          reader.after = next
          for (const text of texts) mailbox.unsafeOffer(text)
          if (more === "1") return read(reader, beat)
          if (beat !== undefined) mailbox.unsafeOffer(`${now} ${beat}`)
          return Effect.void
        })
      })
    const readAlone = (reader: Reader, beat?: string) =>
      reader.alone.withPermits(1)(
        limit({ store: `${name} bus`, operation: "listen" }, read(reader, beat), patienceMillis)
      )

    return {
      name,
      channel: stream,
      carrier: redisCarrier.of(client, keyPrefix),
      publish: (text) =>
        Effect.asVoid(commands.run("publish", scripts.append, [{ keys: [stream], args: [token.nonce(), text] }])),
      publishCounted: (text) =>
        Effect.forEach(readers, (reader) => readAlone(reader, text), { concurrency: "unbounded", discard: true }),
      texts: Stream.unwrapScoped(
        Effect.gen(function* () {
          const mailbox = yield* Mailbox.make<string, StoreError>()
          const reader: Reader = { mailbox, alone: yield* Effect.makeSemaphore(1), after: "" }
          yield* readAlone(reader)
          yield* Effect.acquireRelease(
            Effect.sync(() => readers.add(reader)),
            () => Effect.sync(() => readers.delete(reader))
          )
          // A reading that failed is made up for by the next one; for how long that may go on, the beats decide.
          const reading = Effect.ignore(readAlone(reader))
          yield* Effect.forkScoped(Effect.forever(Effect.delay(reading, pauseMillis)))
          return Mailbox.toStream(mailbox)
        })
      )
    }
  })
