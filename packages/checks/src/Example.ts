/**
 * Examples in documentation as programs: found in a file, and made to check what they claim.
 *
 * An example is an `@example` block of a docstring, or a fenced `ts` block of a Markdown page. A comment `// => value`
 * after a statement, on its line or on the next one, says what the statement's value is. Whoever writes one has
 * written a test.
 */
import ts from "typescript-5"

/**
 * - `run`: compiled, run, and every claim compared.
 * - `compile`: compiled only, because it needs something that is not here, such as an account: `@example compile`, or
 *   a block that begins with ` ```ts compile `.
 */
export type Mode = "run" | "compile"

export interface Example {
  readonly file: string
  /** The line of the file on which the code begins; the first is 1. */
  readonly line: number
  readonly mode: Mode
  readonly code: string
  /** What it prints, from a block ` ```text output ` that follows it. */
  readonly output: string | undefined
}

/** The `@example` blocks of a TypeScript file. Fences around the code are allowed and ignored. */
export const fromSource = (file: string, text: string): ReadonlyArray<Example> => {
  const examples: Array<Example> = []
  let open: { line: number; mode: Mode; code: Array<string> } | undefined
  const close = () => {
    if (open !== undefined) examples.push({ file, ...open, code: open.code.join("\n").trimEnd(), output: undefined })
    open = undefined
  }
  text.split("\n").forEach((raw, index) => {
    const body = /^\s*\*(?!\/) ?(.*)$/.exec(raw)?.[1]
    if (body === undefined || body.startsWith("@")) close()
    if (body === undefined) return
    const tag = /^@example\s*(compile)?/.exec(body)
    if (tag !== null) open = { line: index + 2, mode: tag[1] === undefined ? "run" : "compile", code: [] }
    else if (open !== undefined) open.code.push(body.startsWith("```") ? "" : body)
  })
  close()
  return examples
}

/**
 * The `ts` blocks of a Markdown page. A block ` ```ts fragment ` is an excerpt that does not stand alone: it is
 * shown and not compiled.
 */
export const fromMarkdown = (file: string, text: string): ReadonlyArray<Example> => {
  const examples: Array<Example> = []
  let open: { line: number; info: string; code: Array<string> } | undefined
  text.split("\n").forEach((line, index) => {
    const fence = /^```(.*)$/.exec(line)
    if (fence === null) {
      open?.code.push(line)
    } else if (open === undefined) {
      open = { line: index + 2, info: fence[1]!.trim(), code: [] }
    } else {
      const [language, ...marks] = open.info.split(/\s+/)
      const code = open.code.join("\n").trimEnd()
      const last = examples.at(-1)
      if ((language === "ts" || language === "typescript") && !marks.includes("fragment")) {
        examples.push({
          file,
          line: open.line,
          mode: marks.includes("compile") ? "compile" : "run",
          code,
          output: undefined
        })
      } else if (language === "text" && marks.includes("output") && last !== undefined) {
        examples[examples.length - 1] = { ...last, output: code }
      }
      open = undefined
    }
  })
  return examples
}

/** The code on the lines it has in its file, so that whoever complains about it names the right one. */
export const inPlace = (example: Example, code: string): string => "\n".repeat(example.line - 1) + code + "\n"

/** The name that an instrumented example calls for each claim. */
export const hook = "__claim"

interface Insertion {
  readonly at: number
  readonly text: string
}

const parse = (code: string): ts.SourceFile => ts.createSourceFile("example.ts", code, ts.ScriptTarget.ESNext, true)

const isExpression = (text: string): boolean =>
  (ts.transpileModule(`(${text}\n)`, { reportDiagnostics: true }).diagnostics ?? []).length === 0

/** An expected value may go on over the next comment lines, until it is an expression. It is put on one line. */
const wholeExpression = (first: string, rest: string): string => {
  let expression = first
  let next = rest
  while (!isExpression(expression)) {
    const line = /^\n[ \t]*\/\/(?! =>)(.*)/.exec(next)
    if (line === null) return first
    expression += ` ${line[1]!.trim()}`
    next = next.slice(line[0].length)
  }
  return expression
}

/** The expression that a claim after this statement speaks of; of a `console.log`, what it prints. */
const subject = (statement: ts.Node): { readonly value: ts.Node; readonly printed: boolean } | undefined => {
  if (ts.isExpressionStatement(statement)) {
    const value = statement.expression
    const printed =
      ts.isCallExpression(value) && value.expression.getText() === "console.log" && value.arguments.length === 1
    return printed ? { value: value.arguments[0]!, printed } : { value, printed }
  }
  if (ts.isVariableStatement(statement) && statement.declarationList.declarations.length === 1) {
    const value = statement.declarationList.declarations[0]!.initializer
    return value && { value, printed: false }
  }
  return undefined
}

/**
 * Rewrites an example so that each claim calls `hook(line, value, () => expected, text, printed)`. Lines stay where they are.
 * A claim that follows no statement with a value would never be checked, so it is an error.
 */
export const instrument = (example: Example): string => {
  const { code } = example
  const file = parse(code)
  const insertions: Array<Insertion> = []
  const claimed = new Set<number>()
  const lineOf = (position: number) => example.line + file.getLineAndCharacterOfPosition(position).line

  const visit = (node: ts.Node): void => {
    const spoken = subject(node)
    const claim = /^[ \t;]*(?:\n[ \t]*)?\/\/ => ?(.*)/.exec(code.slice(node.end))
    if (spoken !== undefined && claim !== null) {
      const { printed, value } = spoken
      const at = node.end + claim[0].indexOf("//")
      const expected = wholeExpression(claim[1]!.trim(), code.slice(node.end + claim[0].length))
      const thunk = isExpression(expected) ? `() => (${expected})` : "undefined"
      claimed.add(at)
      insertions.push(
        { at: value.getStart(), text: `globalThis.${hook}(${lineOf(at)}, ` },
        { at: value.end, text: `, ${thunk}, ${JSON.stringify(expected)}, ${printed})` }
      )
    }
    ts.forEachChild(node, visit)
  }
  visit(file)

  for (const match of code.matchAll(/\/\/ =>/g)) {
    if (!claimed.has(match.index)) {
      throw new Error(`${example.file}:${lineOf(match.index)}: "// =>" stands after nothing that has a value`)
    }
  }
  return insertions
    .toSorted((a, b) => b.at - a.at)
    .reduce((text, { at, text: inserted }) => text.slice(0, at) + inserted + text.slice(at), code)
}
