/** Redis's replies as Upstash writes them in JSON. */

export type Json = null | number | string | ReadonlyArray<Json>

/** What one command was answered. */
export type Answer = { readonly result: Json } | { readonly error: string }

const text = (bytes: Buffer | string, base64: boolean): string => {
  const plain = bytes.toString()
  // Upstash leaves this one word as it is, wherever it stands.
  return base64 && plain !== "OK" ? Buffer.from(bytes as string).toString("base64") : plain
}

export const toJson = (reply: unknown, base64: boolean): Json => {
  if (reply === null || reply === undefined || typeof reply === "number") return reply ?? null
  if (Array.isArray(reply)) return reply.map((element) => toJson(element, base64))
  if (reply instanceof Error) return text(reply.message, base64)
  return text(reply as Buffer | string, base64)
}

export const toAnswer = (reply: unknown, base64: boolean): Answer =>
  reply instanceof Error ? { error: reply.message } : { result: toJson(reply, base64) }
