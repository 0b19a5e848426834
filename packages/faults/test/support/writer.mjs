/** A process of its own that writes; what it does is in `writing.ts`. */
import { register } from "tsx/esm/api"

register()
await import("./writing.ts")
