/**
 * Builds static/dist: the two style sheets, the fonts and the GOV.UK Frontend
 * module. Nothing in them is loaded from another host, and the folder is made
 * anew each time, so nothing stale stays. core/assets.py names the addresses.
 */

import { cp, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { compile } from 'sass'

const here = dirname(fileURLToPath(import.meta.url))
const modules = join(here, '..', 'node_modules')
const dist = join(here, 'dist')
const made = join(here, '..', '.cache', 'dist')

const SHEETS = ['public', 'desk']
const FONT = '@fontsource/atkinson-hyperlegible-next/files/atkinson-hyperlegible-next'
const FONT_CUTS = ['latin', 'latin-ext'].flatMap((subset) =>
  [400, 700].map((weight) => `${subset}-${weight}`)
)

async function put(name, content) {
  const target = join(made, name)
  await mkdir(dirname(target), { recursive: true })
  await writeFile(target, content)
}

async function buildSheets() {
  for (const name of SHEETS) {
    const { css } = compile(join(here, 'scss', `${name}.scss`), {
      loadPaths: [modules],
      quietDeps: true,
      style: 'compressed'
    })
    await put(`css/${name}.css`, css)
  }
}

async function copyFonts() {
  for (const cut of FONT_CUTS) {
    await mkdir(join(made, 'fonts'), { recursive: true })
    await cp(join(modules, `${FONT}-${cut}-normal.woff2`), join(made, 'fonts', `atkinson-${cut}.woff2`))
  }
}

/** One minified module holds every component; the source map line is dropped, as the map is not served. */
async function copyGovukFrontend() {
  const source = await readFile(join(modules, 'govuk-frontend/dist/govuk/govuk-frontend.min.js'), 'utf8')
  await put('js/govuk/govuk-frontend.js', source.replace(/\n\/\/# sourceMappingURL=.*\s*$/, '\n'))
}

await rm(made, { recursive: true, force: true })
await buildSheets()
await copyFonts()
await copyGovukFrontend()
// All at once, so that a service that starts meanwhile finds either the old files or the new ones.
await rm(dist, { recursive: true, force: true })
await rename(made, dist)
