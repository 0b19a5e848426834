/**
 * `@upstash/redis`, configured so that a request is one request, with an end of its own.
 *
 * Its commands and pipelines go through the requester below them, which is used here directly: what is sent is text
 * already and what comes back is not touched. Every option departs from a default for a reason:
 *
 * - auto-pipelining answers a caller with another caller's data after a command that could not be built;
 * - deserialization makes a number of "123", a boolean of "true", and a miss of "null";
 * - `retry: false` sends twice, and the default waits seconds and repeats what may not be repeated: 0 sends once;
 * - a static signal makes an aborted command resolve, with nonsense; the function form rejects. It is read while the
 *   request is being started, which is what gives each request a signal of its own;
 * - base64 makes every answer a third longer, and decodes an "OK" inside a list to something else. JSON carries text
 *   as it is, and text is all that this client sends;
 * - telemetry adds three headers to each request.
 *
 * `readYourWrites` stays on: a sync token for each client, so that one instance sees its own writes.
 */
import * as Redacted from "effect/Redacted"
import { Redis, type Requester } from "@upstash/redis"
import type { Settings } from "./settings.js"

class Client extends Redis {
  get requester(): Requester {
    return this.client
  }
}

/** Sends one request and answers its JSON. Aborting the signal closes the connection and rejects. */
export type Request = (path: ReadonlyArray<string>, body: unknown, signal: AbortSignal) => Promise<unknown>

export const make = ({ token, url }: Settings): Request => {
  let current: AbortSignal
  const { requester } = new Client({
    url,
    token: Redacted.value(token),
    enableAutoPipelining: false,
    automaticDeserialization: false,
    retry: { retries: 0 },
    signal: () => current,
    responseEncoding: false,
    enableTelemetry: false
  })
  return (path, body, signal) => {
    current = signal
    return requester.request({ path: [...path], body })
  }
}
