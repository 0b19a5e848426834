/**
 * The shape of what a schema stores: a short hash of its structure.
 *
 * Two releases whose schemas differ keep their values apart by it. The names of classes and identifiers are not
 * enough, since a class keeps its name when a field is added: the walk goes through everything that takes part in
 * encoding. Functions (filters, transformations) have no structure; their annotated identifiers stand for them.
 */
import { createHash } from "node:crypto"
import * as Option from "effect/Option"
import type * as Schema from "effect/Schema"
import * as AST from "effect/SchemaAST"

const label = (ast: AST.Annotated): string =>
  Option.getOrElse(
    Option.orElse(AST.getIdentifierAnnotation(ast), () => AST.getTitleAnnotation(ast)),
    () => ""
  )

const brand = (ast: AST.Annotated): string =>
  Option.match(AST.getBrandAnnotation(ast), { onNone: () => "", onSome: (brands) => brands.map(String).join("&") })

const describe = (root: AST.AST): string => {
  const seen = new Map<AST.AST, number>()
  const walk = (ast: AST.AST): string => {
    switch (ast._tag) {
      case "Literal":
        return typeof ast.literal === "bigint" ? `${ast.literal}n` : JSON.stringify(ast.literal)
      case "UniqueSymbol":
        return String(ast.symbol)
      case "Enums":
        return `enum(${ast.enums.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join()})`
      case "TemplateLiteral":
        return `template(${JSON.stringify(ast.head)},${ast.spans.map((span) => `${walk(span.type)}${JSON.stringify(span.literal)}`).join()})`
      case "TupleType":
        return `[${ast.elements.map((one) => `${walk(one.type)}${one.isOptional ? "?" : ""}`).join()}|${ast.rest.map((one) => walk(one.type)).join()}]`
      case "TypeLiteral": {
        const fields = ast.propertySignatures
          .map((one) => `${JSON.stringify(String(one.name))}${one.isOptional ? "?" : ""}:${walk(one.type)}`)
          .sort()
        const indexes = ast.indexSignatures.map((one) => `[${walk(one.parameter)}]:${walk(one.type)}`)
        return `{${[...fields, ...indexes].join()}}`
      }
      case "Union":
        return `(${ast.types.map(walk).join("|")})`
      case "Refinement":
        return `${walk(ast.from)}<${label(ast)}${brand(ast)}>`
      case "Transformation":
        return `${label(ast)}(${walk(ast.from)}->${walk(ast.to)}${transformation(ast.transformation)})`
      case "Declaration":
        return `${label(ast)}(${ast.typeParameters.map(walk).join()})`
      case "Suspend": {
        // A recursive schema comes back to the same node: its number stands for it from then on.
        const node = ast.f()
        const number = seen.get(node)
        if (number !== undefined) return `@${number}`
        seen.set(node, seen.size)
        return `rec${seen.size - 1}:${walk(node)}`
      }
      default:
        return ast._tag
    }
  }
  const transformation = (kind: AST.TransformationKind): string =>
    kind._tag === "TypeLiteralTransformation"
      ? `{${kind.propertySignatureTransformations
          .map((one) => `${String(one.from)}>${String(one.to)}`)
          .sort()
          .join()}}`
      : ""
  return walk(root)
}

const memo = new WeakMap<AST.AST, string>()

/** Twelve characters of SHA-256 (72 bits): shapes of one key are few, and a collision is still caught by decoding. */
export const fingerprint = (schema: Schema.Schema.Any): string => {
  const known = memo.get(schema.ast)
  if (known !== undefined) return known
  const made = createHash("sha256").update(describe(schema.ast)).digest("base64url").slice(0, 12)
  memo.set(schema.ast, made)
  return made
}
