/** A cluster on ioredis 5, whose nodes are connected again in another way. */
import { expect, it, vi } from "vitest"

vi.mock("ioredis", () => import("ioredis-5"))

it("clusters are those of ioredis 5", async () => {
  const [used, five] = await Promise.all([import("ioredis"), import("ioredis-5")])
  expect(used.Cluster).toBe(five.Cluster)
})

await import("./cluster.test.js")
