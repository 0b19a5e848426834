/**
 * The repository as files: its packages, their modules, its pages. Paths are relative to its root, with slashes.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"

/** The root folder, with a slash at its end. */
export const root = fileURLToPath(new URL("../../../", import.meta.url))

export interface Package {
  /** As in `packages/<folder>`. */
  readonly folder: string
  /** As in `import "<name>"`. */
  readonly name: string
  readonly peers: ReadonlyArray<string>
  /** The versions of each peer that may be beside it. */
  readonly ranges: Readonly<Record<string, string>>
  /** The public modules: `Store` for `src/Store.ts`; not `index`, not what lies in `internal/`. */
  readonly modules: ReadonlyArray<string>
  readonly version: string
  /** The programs it installs, by name. */
  readonly programs: ReadonlyArray<string>
}

export const read = (path: string): string => readFileSync(root + path, "utf8")

const filesBelow = (folder: string): ReadonlyArray<string> =>
  existsSync(root + folder)
    ? readdirSync(root + folder, { recursive: true, encoding: "utf8" })
        .map((file) => `${folder}/${file.replaceAll("\\", "/")}`)
        .toSorted()
    : []

/** Every TypeScript file of a package's `src`, internal ones too. */
export const sources = (folder: string): ReadonlyArray<string> =>
  filesBelow(`packages/${folder}/src`).filter((file) => file.endsWith(".ts"))

/** The packages that are published. */
export const publicPackages: ReadonlyArray<Package> = readdirSync(`${root}packages`)
  .filter((folder) => existsSync(`${root}packages/${folder}/package.json`))
  .map((folder) => ({ folder, manifest: JSON.parse(read(`packages/${folder}/package.json`)) }))
  .filter(({ manifest }) => manifest.private !== true)
  .map(({ folder, manifest }) => ({
    folder,
    name: manifest.name,
    peers: Object.keys(manifest.peerDependencies ?? {}),
    ranges: manifest.peerDependencies ?? {},
    version: manifest.version,
    programs: Object.keys(manifest.publishConfig?.bin ?? {}),
    modules: sources(folder)
      .map((file) => file.slice(`packages/${folder}/src/`.length, -".ts".length))
      .filter((module) => module !== "index" && !module.startsWith("internal/"))
  }))

/** The Markdown pages a reader is led through: those at the root, of `docs/`, and the `README.md` of each package. */
export const pages: ReadonlyArray<string> = [
  ...readdirSync(root).filter((file) => file.endsWith(".md")),
  ...filesBelow("docs").filter((file) => file.endsWith(".md")),
  ...readdirSync(`${root}packages`)
    .map((folder) => `packages/${folder}/README.md`)
    .filter((file) => existsSync(root + file))
]
