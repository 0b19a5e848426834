/** Certificates of an authority of the test's own, for 127.0.0.1 and nothing else. */
import * as Effect from "effect/Effect"
import { execFileSync } from "node:child_process"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { folder } from "./sentinel.js"

export const make = Effect.map(folder, (dir) => {
  const file = (name: string) => join(dir, name)
  const openssl = (...args: ReadonlyArray<string>) => execFileSync("openssl", args, { cwd: dir, stdio: "pipe" })
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
  openssl("req", "-x509", ...newKey, "-keyout", "ca.key", "-out", "ca.crt", "-days", "2", "-subj", "/CN=ca")
  writeFileSync(file("names"), "subjectAltName = IP:127.0.0.1")
  for (const name of ["server", "client"]) {
    openssl("req", ...newKey, "-keyout", `${name}.key`, "-out", `${name}.csr`, "-subj", `/CN=${name}`)
    const signed = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "names"]
    openssl("x509", "-req", "-in", `${name}.csr`, "-out", `${name}.crt`, ...signed)
  }
  const read = (name: string) => readFileSync(file(name), "utf8")
  return {
    ca: read("ca.crt"),
    client: { cert: read("client.crt"), key: read("client.key") },
    args: [
      "--tls-cert-file",
      file("server.crt"),
      "--tls-key-file",
      file("server.key"),
      "--tls-ca-cert-file",
      file("ca.crt")
    ]
  }
})
