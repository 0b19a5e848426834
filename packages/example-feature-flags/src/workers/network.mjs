/**
 * A TCP proxy that stands for the network: what goes towards the target waits `delayMillis`, what comes back does not,
 * so the delay is that of a whole round trip and is paid once by each. In a thread of its own, so that a busy
 * program does not make the network look slower than it is.
 */
import * as net from "node:net"
import { parentPort, workerData } from "node:worker_threads"

const { host, port, delayMillis } = workerData
const sockets = new Set()

const track = (socket, other) => {
  sockets.add(socket)
  socket.setNoDelay(true)
  socket.on("error", () => other.destroy())
  socket.on("close", () => {
    sockets.delete(socket)
    other.destroy()
  })
}

const server = net.createServer((near) => {
  const far = net.connect(port, host)
  track(near, far)
  track(far, near)
  far.on("data", (chunk) => near.write(chunk))
  // Timers of equal delay fire in the order they were set: nothing overtakes.
  // oxlint-disable-next-line no-restricted-globals -- outside Effect
  near.on("data", (chunk) => setTimeout(() => far.destroyed || far.write(chunk), delayMillis))
})
server.listen(0, "127.0.0.1", () => parentPort.postMessage(server.address().port))

parentPort.on("message", (message) => {
  if (message !== "cut") return
  server.close(() => parentPort.postMessage("cut"))
  for (const socket of sockets) socket.destroy()
})
