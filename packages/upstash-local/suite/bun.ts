/** What the suite takes from `bun`, made of what Node has. */
import * as Http from "node:http"

export const sleep = (millis: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, millis))

interface Serve {
  readonly fetch: (request: Request) => Response | Promise<Response>
  readonly port: number
}

export const serve = ({ fetch, port }: Serve) => {
  const server = Http.createServer((request, response) => {
    const chunks: Array<Buffer> = []
    request.on("data", (chunk: Buffer) => chunks.push(chunk))
    request.on("end", async () => {
      const method = request.method ?? "GET"
      const body = method === "GET" || method === "HEAD" ? {} : { body: Buffer.concat(chunks) }
      const headers = Object.entries(request.headers).map(([name, value]) => [name, String(value)] as [string, string])
      const answer = await fetch(new Request(`http://localhost:${port}${request.url}`, { method, headers, ...body }))
      response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(Buffer.from(await answer.arrayBuffer()))
    })
  }).listen(port)
  const stop = (closeActiveConnections?: boolean): void => {
    server.close()
    if (closeActiveConnections === true) server.closeAllConnections()
  }
  return { port, stop }
}
