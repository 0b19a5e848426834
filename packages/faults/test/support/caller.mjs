/** A process of its own that calls; what it does is in `calling.ts`. */
import { register } from "tsx/esm/api"

register()
await import("./calling.ts")
