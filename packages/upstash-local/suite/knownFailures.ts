/**
 * What of the suite of Upstash's own client fails against a redis-server 7.0, and why. An entry that passes is an error
 * too: it has to go.
 */
export type Reason = "newer" | "dialect" | "distance" | "bun"

export const reasons: Record<Reason, string> = {
  newer: "needs a command, or an option of one, that is newer than Redis 7.0 or Upstash's own",
  dialect: "a difference between Upstash and Redis, listed in the README",
  distance: "takes for granted that a request is a long time on its way",
  bun: "expects an error in words of Bun, which Node says in others"
}

export interface Known {
  /** From the checkout's root; `*` stands for anything within a folder. */
  readonly file: string
  /** Its names from the outside in, joined by ` > `. Absent: the file as a whole. */
  readonly test?: string
  readonly reason: Reason
  readonly note: string
}

const files = (note: string, ...names: ReadonlyArray<string>): ReadonlyArray<Known> =>
  names.map((name) => ({ file: `pkg/commands/${name}.test.ts`, reason: "newer", note }))

const tests = (reason: Reason, note: string, file: string, ...names: ReadonlyArray<string>): ReadonlyArray<Known> =>
  names.map((test) => ({ file, test, reason, note }))

export const knownFailures: ReadonlyArray<Known> = [
  ...files("JSON, a module until Redis 8", "json_*"),
  ...files("SEARCH is Upstash's own", "search/*"),
  ...files("vectors are of Redis 8", "vector_*", "vector/*"),
  ...files("arrays are newer than Redis 8", "ar*"),
  ...files("fields of a hash expire since 7.4", "hexpire", "hexpireat", "hexpiretime", "hpersist"),
  ...files("fields of a hash expire since 7.4", "hpexpire", "hpexpireat", "hpexpiretime", "hpttl", "httl"),
  ...files("since Redis 8.0", "hgetdel", "hgetex", "hsetex"),
  ...files("since Redis 8.2", "xackdel", "xdelex"),
  ...files("since Redis 7.2", "client_setinfo"),
  ...tests(
    "newer",
    "BITOP DIFF, DIFF1, ANDOR and ONE are of Redis 8.2",
    "pkg/commands/bitop.test.ts",
    "when key is set > diff > sets bits that are in X but not in any Y",
    "when key is set > diff1 > sets bits that are in Y but not in X",
    "when key is set > andor > sets bits that are in X AND in one or more Y",
    "when key is set > one > sets bits that are in exactly one source"
  ),
  ...tests("newer", "HEXPIRE among others", "pkg/pipeline.test.ts", "use all the things > works"),
  ...tests(
    "newer",
    "HEXPIRE or JSON among others",
    "pkg/auto-pipeline.test.ts",
    "Auto pipeline > should batch a large Promise.all of mixed reads and writes into one read and one write pipeline",
    "Auto pipeline > should split JSON reads and writes into separate pipelines across awaited Promise.all calls",
    "Auto pipeline > read/write pipeline separation > should split a Promise.all of json.set and json.get into separate write and read pipelines"
  ),
  ...tests("newer", "SEARCH is Upstash's own", "pkg/redis.test.ts", "search > should query a search index"),
  ...tests(
    "dialect",
    "COPY of a key to itself is no copy, and an error of Redis",
    "pkg/commands/copy.test.ts",
    "COPY test > should handle same source and destination keys"
  ),
  ...tests(
    "dialect",
    "SCAN WITHTYPE is Upstash's own",
    "pkg/commands/scan.test.ts",
    "with withType > returns cursor and keys with types"
  ),
  ...tests(
    "dialect",
    "reading with NOACK makes no consumer, and one in Redis 7.0",
    "pkg/commands/xreadgroup.test.ts",
    "NOACK > should return 0 items in PEL"
  ),
  ...tests(
    "dialect",
    "trimming about so many leaves fewer beyond than Redis does, which lets go of whole nodes of 100",
    "pkg/commands/xtrim.test.ts",
    "XLEN > should approximately trim stream to 300 items"
  ),
  ...tests(
    "distance",
    "claims what has been idle for 100 ms, after two requests",
    "pkg/commands/xclaim.test.ts",
    "XCLAIM > should move ownership from one consumer to other"
  ),
  ...tests(
    "bun",
    "what fetch says of an address that is none, and of a timeout",
    "pkg/http.test.ts",
    "http > should terminate after sleeping 5 times",
    "http > should throw on request timeouts"
  ),
  ...tests(
    "bun",
    "what fetch says of an address that is none",
    "platforms/platform.test.ts",
    "should allow creating a client without credentials but fail when requesting > nodejs",
    "should allow creating a client without credentials but fail when requesting > cloudflare",
    "should allow creating a client without credentials but fail when requesting > fastly"
  )
]
