/** The package as a stranger gets it: what it promises, what it holds, and that every module has its test. */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'
import ts from 'typescript'
import { describe, expect, test } from 'vitest'

interface Package {
  readonly engines: { readonly node: string }
  readonly license: string
  readonly type: string
  readonly dependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
}
const manifest: Package = JSON.parse(readFileSync('package.json', 'utf8'))

/** Committed files, and new ones in the folders of the source; what else lies in a checkout (somebody's notes, logs) is not ours. */
const files = [
  ...gitFiles('--cached'),
  ...gitFiles('--others', '--exclude-standard').filter(file => /^(?:config|infra|reports|src|test)\//.test(file)),
].filter(file => existsSync(file))

function gitFiles(...options: string[]): string[] {
  return execFileSync('git', ['ls-files', ...options], { encoding: 'utf8' })
    .split('\n')
    .filter(file => file !== '')
}

describe('package.json', () => {
  const exact = /^\d+\.\d+\.\d+(?:-[\w.]+)?$/
  const all = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })

  test('fixes every version', () => {
    expect(all.length).toBeGreaterThan(0)
    expect(all.filter(([, version]) => !exact.test(version))).toEqual([])
    for (const version of ['^1.2.3', '~1.2.3', '1.x', 'latest', '*', '>=1.0.0', 'git+https://x']) {
      expect(version).not.toMatch(exact)
    }
  })

  test('and the lock file holds the same', () => {
    const lock = JSON.parse(readFileSync('package-lock.json', 'utf8'))
    const { dependencies = {}, devDependencies = {} } = lock.packages['']
    expect({ ...dependencies, ...devDependencies }).toEqual(Object.fromEntries(all))
    for (const [name, version] of all) {
      expect([name, lock.packages[`node_modules/${name}`]?.version]).toEqual([name, version])
    }
  })

  test('runs on Node 20.19 and later, as ESM', () => {
    expect(manifest.engines.node).toBe('>=20.19')
    expect(manifest.type).toBe('module')
  })

  test('says the licence that the licence file holds', () => {
    expect(manifest.license).toBe('Apache-2.0')
    expect(readFileSync('LICENSE', 'utf8')).toMatch(/Apache License\s+Version 2\.0/)
  })
})

describe('the files', () => {
  /** Put together here, so that this file does not hold what it looks for. */
  const machinePath = new RegExp(
    ['\\.\\./sha' + 'red\\b', '(?<![\\w.$}~-])/wo' + 'rk/', '/home/\\w+/', '/ro' + 'ot/'].join('|'),
  )

  test('no file names a path of the machine that it was written on', () => {
    const hits = files.flatMap(file => {
      const line = lineWith(readFileSync(file, 'latin1'), machinePath)
      return line === null ? [] : [`${file}: ${line}`]
    })
    expect(hits).toEqual([])
  })

  test.each(['see ../sha' + 'red/x', ' /wo' + 'rk/main', '"/ho' + 'me/dora/x"'])('the check finds %j', text => {
    expect(lineWith(`a\n${text}\n`, machinePath)).not.toBeNull()
  })

  test.each(['.snapproof/wo' + 'rk/x', '~/wo' + 'rk/x', 'src/wo' + 'rk/x.ts'])('the check lets %j pass', text => {
    expect(lineWith(text, machinePath)).toBeNull()
  })
})

const testFiles = files.filter(file => file.endsWith('.test.ts')).map(file => ({ file, imports: importsOf(file) }))

describe('tests mirror src/', () => {
  const modules = files.filter(file => /^src\/.+\.ts$/.test(file) && !isPort(file) && holdsCode(read(file)))

  test('there is something to check', () => {
    expect(modules).toContain('src/config/load.ts')
    expect(modules).not.toContain('src/blobs/port.ts')
    expect(modules).not.toContain('src/model/config.ts')
  })

  test.each(modules)('%s has a test', module => {
    if (testsOf(module).length > 0) return
    const room = module.split('/')[1] ?? ''
    const near = testsReaching(module).filter(file =>
      [`test/${room}/`, 'test/run/', 'test/integration/'].some(f => file.startsWith(f)),
    )
    expect(near, `no test of its room, of run/ or on real servers reaches ${module}`).not.toEqual([])
  })

  test('a module without a test is seen', () => {
    expect(testsOf('src/config/nothing.ts')).toEqual([])
    expect(testsOf('src/config/load.ts')).toContain('test/config/load.test.ts')
    expect(testsOf('src/errors.ts')).toContain('test/docs.test.ts')
    expect(testsReaching('src/config/nothing.ts')).toEqual([])
    expect(testsReaching('src/config/document.ts')).toContain('test/config/load.test.ts')
    expect(testsReaching('src/cli/log.ts')).not.toContain('test/config/load.test.ts')
    expect(holdsCode('/** A type. */\nimport type { A } from "./a.ts"\nexport interface B { a: A }')).toBe(false)
    expect(holdsCode('export const a = 1')).toBe(true)
  })
})

/**
 * `src/room/x.ts` → its test/room/x.test.ts, test/room/x.*.test.ts or test/integration/x.test.ts, and every test that
 * imports it by name.
 */
function testsOf(module: string): string[] {
  const { dir, name } = posix.parse(module)
  const stems = [posix.join('test', posix.relative('src', dir), name), posix.join('test/integration', name)]
  return testFiles
    .filter(({ file, imports }) => stems.some(stem => file.startsWith(`${stem}.`)) || imports.has(module))
    .map(({ file }) => file)
}

/** Tests from which a chain of imports leads to the module. */
function testsReaching(module: string): string[] {
  return testFiles.filter(({ imports }) => reaches(imports, module, new Set())).map(({ file }) => file)
}

function reaches(imports: ReadonlySet<string>, module: string, seen: Set<string>): boolean {
  for (const next of imports) {
    if (next === module) return true
    if (seen.has(next) || !existsSync(next)) continue
    seen.add(next)
    if (reaches(importsOf(next), module, seen)) return true
  }
  return false
}

/** Relative imports, as paths from the root. */
function importsOf(file: string): Set<string> {
  const specifiers = [...read(file).matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)].map(([, specifier = '']) => specifier)
  const imports = new Set(specifiers.map(specifier => posix.join(posix.dirname(file), specifier)))
  // The program itself is started as a process.
  if (file.startsWith('test/') && /['"]src\/main\.ts['"]|'src', 'main\.ts'/.test(read(file))) imports.add('src/main.ts')
  return imports
}

function isPort(file: string): boolean {
  return posix.basename(file) === 'port.ts'
}

/** Is there anything but types? */
function holdsCode(text: string): boolean {
  const source = ts.createSourceFile('x.ts', text, ts.ScriptTarget.ESNext, true)
  return source.statements.some(
    statement =>
      !ts.isImportDeclaration(statement) &&
      !ts.isInterfaceDeclaration(statement) &&
      !ts.isTypeAliasDeclaration(statement) &&
      !(ts.isExportDeclaration(statement) && (statement.isTypeOnly || statement.moduleSpecifier !== undefined)),
  )
}

function lineWith(text: string, pattern: RegExp): string | null {
  return text.split('\n').find(line => pattern.test(line)) ?? null
}

function read(file: string): string {
  return readFileSync(file, 'utf8')
}
