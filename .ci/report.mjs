/**
 * Reads vitest's JSON report.
 *
 *     node .ci/report.mjs <file>          names what failed or was skipped; fails if nothing ran, if anything failed, if a
 *                                         file of tests was left out, or if a server that must be there was missing
 *     node .ci/report.mjs --line <file>   prints `N passed, N failed`, and `, N skipped` if there are any
 */
import { existsSync, readdirSync, readFileSync } from "node:fs"

const [file, line] = process.argv[2] === "--line" ? [process.argv[3], true] : [process.argv[2], false]

const read = () => {
  const text = existsSync(file) ? readFileSync(file, "utf8") : ""
  return text === "" ? [] : JSON.parse(text).testResults
}

const files = read()
const tests = files.flatMap(({ assertionResults }) => assertionResults)
const having = (...statuses) => tests.filter(({ status }) => statuses.includes(status))

const passed = having("passed")
const skipped = having("skipped", "pending", "todo", "disabled")
// A file that could not be loaded has no tests to count, and is one failure.
const broken = files.filter(({ assertionResults, status }) => status === "failed" && assertionResults.length === 0)
const failures = [
  ...tests.filter(({ status }) => status === "failed").map(({ fullName }) => fullName),
  ...broken.map(({ message, name }) => `${name}: ${message}`)
]

if (line) {
  const rest = skipped.length === 0 ? "" : `, ${skipped.length} skipped`
  console.log(`${passed.length} passed, ${failures.length} failed${rest}`)
} else {
  for (const { fullName } of skipped) console.log(`skipped: ${fullName}`)
  for (const failure of failures) console.log(`failed: ${failure}`)
  const missing = skipped.filter(({ fullName }) => fullName.includes("no redis-server on the PATH"))
  const onDisk = readdirSync("packages")
    .map((name) => `packages/${name}/test`)
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => readdirSync(folder, { recursive: true, encoding: "utf8" }).map((path) => `${folder}/${path}`))
    .filter((path) => path.endsWith(".test.ts"))
  const leftOut = onDisk.filter((path) => !files.some(({ name }) => name.endsWith(`/${path}`)))
  const complaints = [
    ...(passed.length === 0 ? ["no test ran"] : []),
    ...(missing.length === 0 ? [] : [`${missing.length} tests were skipped for want of a redis-server`]),
    ...leftOut.map((path) => `${path} did not run`)
  ]
  for (const complaint of complaints) console.log(complaint)
  process.exitCode = complaints.length + failures.length > 0 ? 1 : 0
}
