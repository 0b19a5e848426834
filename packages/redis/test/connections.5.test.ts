/**
 * Servers and sentinels on ioredis 5, for which Effect's own packages ask. The versions differ in how a connection
 * begins and how it ends.
 */
import { expect, it, vi } from "vitest"

vi.mock("ioredis", () => import("ioredis-5"))

it("connections are those of ioredis 5", async () => {
  const [used, five] = await Promise.all([import("ioredis"), import("ioredis-5")])
  expect(used.Redis).toBe(five.Redis)
})

await import("./faults.test.js")
await import("./nonsense.test.js")
await import("./sentinel.test.js")
await import("./tls.test.js")
await import("./tracking.test.js")
