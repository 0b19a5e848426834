/** The acts, in their order. */
import * as Chosen from "./1-chosen.js"
import * as Faster from "./2-faster.js"
import * as Flip from "./3-flip.js"
import * as Stampede from "./4-stampede.js"
import * as StoreFails from "./5-store-fails.js"
import * as DatabaseFails from "./6-database-fails.js"

export const acts = [
  { title: "Which cache, and why", act: Chosen.act },
  { title: "The same load, without and with the cache", act: Faster.act },
  { title: "One flag, switched on at the organisation", act: Flip.act },
  { title: "A thousand requests for a cold key", act: Stampede.act },
  { title: "The store stops answering", act: StoreFails.act },
  { title: "The database is cut off", act: DatabaseFails.act }
] as const
