/**
 * PostgreSQL inside a worker thread. In the main thread a query would stall the event loop, and every latency measured
 * there would be the database's.
 */
import { PGlite } from "@electric-sql/pglite"
import { PGLiteSocketServer } from "@electric-sql/pglite-socket"
import { parentPort } from "node:worker_threads"

const db = await PGlite.create()
// One connection is as good as many, since each query waits for the one before; but whoever is beyond the limit is thrown
// out, and many pools may ask at once.
const server = new PGLiteSocketServer({ db, host: "127.0.0.1", port: 0, maxConnections: 100 })
await server.start()
parentPort.postMessage(Number(server.getServerConn().split(":")[1]))
