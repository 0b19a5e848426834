/** Prints the story: in colour and with moving progress on a terminal, plain and line by line in a pipe. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import picocolors from "picocolors"

/** Where the words go. */
export interface Paper {
  readonly terminal: boolean
  readonly colours: boolean
  readonly write: (text: string) => void
}

export class Story extends Context.Tag("example-feature-flags/Story")<
  Story,
  {
    readonly title: (text: string) => Effect.Effect<void>
    readonly act: (number: number, text: string) => Effect.Effect<void>
    readonly say: (text: string) => Effect.Effect<void>
    /** Something small, by the way: a line of the log. */
    readonly aside: (text: string) => Effect.Effect<void>
    readonly verdict: (holds: boolean, text: string) => Effect.Effect<void>
    /** Lines of equally wide columns; the first one is a heading. */
    readonly table: (rows: ReadonlyArray<ReadonlyArray<string>>) => Effect.Effect<void>
    /** Runs something long that ticks as it goes; on a terminal one sees it move. */
    readonly progress: <A, E, R>(
      text: string,
      total: number,
      work: (tick: Effect.Effect<void>) => Effect.Effect<A, E, R>
    ) => Effect.Effect<A, E, R>
  }
>() {}

export const make = ({ colours, terminal, write }: Paper): Story["Type"] => {
  const paint = picocolors.createColors(colours)
  // "Erase the line" leaves nothing of a longer text under a shorter one.
  const erase = "\r\x1b[2K"
  let drawn = ""
  const line = (text: string) => Effect.sync(() => write(drawn === "" ? `${text}\n` : `${erase}${text}\n${drawn}`))
  return {
    title: (text) => line(`\n${paint.bold(text)}`),
    act: (number, text) => line(`\n${paint.bold(paint.cyan(`Act ${number}`))}  ${paint.bold(text)}`),
    say: (text) => line(`  ${text}`),
    aside: (text) => line(`  ${paint.dim(text)}`),
    verdict: (holds, text) => line(holds ? `  ${paint.green("✓")} ${text}` : `  ${paint.red("✗")} ${paint.red(text)}`),
    table: (rows) =>
      Effect.sync(() => {
        const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
        rows.forEach((row, index) => {
          const cells = row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
          const text = cells.join("   ").trimEnd()
          write(`    ${index === 0 ? paint.dim(text) : text}\n`)
        })
      }),
    progress: (text, total, work) => {
      if (!terminal) return Effect.zipRight(line(`  ${text} …`), work(Effect.void))
      let done = 0
      let shown = -1
      const draw = Effect.sync(() => {
        const percent = total === 0 ? 0 : Math.floor((100 * done) / total)
        if (percent === shown) return
        shown = percent
        drawn = `\r  ${paint.dim(`${text} … ${total > 1 ? `${percent} %` : ""}`)}`
        write(drawn)
      })
      const tick = Effect.suspend(() => {
        done++
        return draw
      })
      const wipe = Effect.sync(() => {
        drawn = ""
        write(erase)
      })
      return Effect.ensuring(Effect.zipRight(draw, work(tick)), wipe)
    }
  }
}

/** What is logged while the story is told becomes part of it. */
const logger = ({ aside }: Story["Type"]) =>
  Logger.make(({ logLevel, message }) => {
    const text = Array.isArray(message) ? message.map(String).join(" ") : String(message)
    Effect.runSync(aside(`log ${logLevel.label}: ${text}`))
  })

export const layer = (paper: Paper): Layer.Layer<Story> => {
  const story = make(paper)
  return Layer.merge(Layer.succeed(Story, story), Logger.replace(Logger.defaultLogger, logger(story)))
}

/** Standard output. `NO_COLOR` and `FORCE_COLOR` are heard. */
export const layerStdout: Layer.Layer<Story> = Layer.suspend(() =>
  layer({
    terminal: process.stdout.isTTY === true,
    colours: picocolors.isColorSupported && (process.stdout.isTTY === true || process.env["FORCE_COLOR"] !== undefined),
    write: (text) => void process.stdout.write(text)
  })
)

/** 1234.5 becomes `1 235`. */
export const count = (value: number): string => String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, " ")
export const millis = (value: number): string => `${value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0)} ms`
export const percent = (share: number): string => `${(100 * share).toFixed(0)} %`
