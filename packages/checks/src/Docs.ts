/**
 * What a public export says about itself: `@since` and `@category` in the docstring of each.
 */
import ts from "typescript-5"

export interface Offence {
  readonly line: number
  readonly name: string
  readonly missing: ReadonlyArray<"@since" | "@category">
}

const isExported = (statement: ts.Statement): boolean =>
  ts.canHaveModifiers(statement) &&
  (ts.getModifiers(statement) ?? []).some((modifier) => modifier.kind === ts.SyntaxKind.ExportKeyword)

/** The exported names of a statement, each with the node whose docstring speaks of it. */
const exportsOf = (statement: ts.Statement): ReadonlyArray<readonly [name: string, documented: ts.Node]> => {
  if (ts.isExportDeclaration(statement)) {
    return statement.exportClause !== undefined && ts.isNamedExports(statement.exportClause)
      ? statement.exportClause.elements.map((element) => [element.name.text, element])
      : [[statement.getText().slice(0, 60), statement]]
  }
  if (!isExported(statement)) return []
  if (ts.isVariableStatement(statement)) {
    return statement.declarationList.declarations.map((declaration) => [declaration.name.getText(), statement])
  }
  const name = (statement as ts.DeclarationStatement).name
  return [[name?.getText() ?? "default", statement]]
}

const docstrings = (text: string, node: ts.Node): string =>
  (ts.getLeadingCommentRanges(text, node.getFullStart()) ?? [])
    .map(({ pos, end }) => text.slice(pos, end))
    .filter((comment) => comment.startsWith("/**"))
    .at(-1) ?? ""

/** The exports of a file that lack one of the two tags. Overloads are documented by the first. */
export const offences = (file: string, text: string): ReadonlyArray<Offence> => {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.ESNext, true)
  const documented = new Set<string>()
  return source.statements.flatMap((statement) =>
    exportsOf(statement).flatMap(([name, node]) => {
      const comment = docstrings(text, node)
      const missing = (["@since", "@category"] as const).filter((tag) => !comment.includes(` ${tag} `))
      if (missing.length === 0) documented.add(name)
      if (documented.has(name)) return []
      return [{ line: source.getLineAndCharacterOfPosition(node.getStart()).line + 1, name, missing }]
    })
  )
}

/** Whether a module begins with a docstring of its own that has `@since`, before its first import. */
export const hasHeader = (text: string): boolean => {
  const header = /^\/\*\*[\s\S]*?\*\//.exec(text)?.[0]
  return header !== undefined && header.includes(" @since ")
}
