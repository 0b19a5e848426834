import { describeWithRedis } from "@larder/testing/DescribeWithRedis"
import { trials } from "./support/trials.js"

describeWithRedis(
  "Faults of a native Redis: every answer is right and in time, and the store is used again, when",
  () => trials("redis")
)
