/**
 * The part of `@sentry/node` that is used. It is the same in majors 10 and 11, and the tests run on both.
 */
import type * as Sentry from "@sentry/node"

export type Sdk = Pick<
  typeof Sentry,
  | "NodeClient"
  | "Scope"
  | "defaultStackParser"
  | "getClient"
  | "makeNodeTransport"
  | "withActiveSpan"
  | "withIsolationScope"
>

export type Client = NonNullable<ReturnType<typeof Sentry.getClient>>
