/**
 * The rooms of src/ as data, and what a file does against them: imports that the table does not allow, libraries of other
 * rooms, waiting in pure rooms, the time, chance and environment outside the places that may ask for them.
 */
import { builtinModules } from 'node:module'
import { posix } from 'node:path'
import ts from 'typescript'

/** What everybody may import: values, types, error codes, clock and log ports. */
const base = ['model', 'errors.ts', 'time.ts', 'log.ts']

/**
 * Room → what it may import besides itself and `base`. `room` is all of it, `room/port.ts` its port alone. Missing here:
 * the room is not known, and its files fail.
 */
export const mayImport: Readonly<Record<string, readonly string[]>> = {
  model: [],
  'errors.ts': [],
  'time.ts': [],
  'log.ts': [],
  'aws.ts': [],
  config: [],
  blobs: ['aws.ts'],
  repository: ['blobs/port.ts'],
  ledger: ['blobs/port.ts'],
  check: ['repository', 'blobs/port.ts', 'ledger/port.ts'],
  plan: [],
  engine: [],
  mirror: ['blobs/port.ts'],
  restore: ['engine/port.ts', 'mirror/port.ts'],
  evidence: ['engine/port.ts'],
  rules: [],
  report: [],
  formats: [],
  metrics: ['aws.ts'],
  notify: ['aws.ts'],
  seal: ['aws.ts', 'blobs/port.ts'],
  run: [
    'config',
    'blobs',
    'repository',
    'ledger',
    'check',
    'plan',
    'engine',
    'mirror',
    'restore',
    'evidence',
    'rules',
    'report',
    'formats',
    'metrics',
    'notify',
    'seal',
  ],
  // Builds the real adapters and hands them to `run` as ports.
  cli: ['run', 'config', 'blobs', 'ledger', 'engine', 'mirror', 'metrics', 'notify', 'report', 'formats', 'seal'],
  'main.ts': ['cli', 'run', 'config'],
  // The stacks know the program by the names of its metrics only.
  'infra/aws': ['metrics/names.ts'],
  // Measures parts of the program, or a whole command, in processes of its own.
  'infra/bench': ['blobs', 'cli', 'config', 'engine', 'ledger', 'report', 'repository', 'run'],
  // Puts the bases of the tests' image together: a JDK, a search server, in the cache.
  'infra/image': ['config', 'engine'],
  // What demo and tests start, the documentation, the sample report. The program itself is started as a process, never imported.
  'infra/local': ['config', 'engine', 'blobs', 'plan', 'repository', 'report', 'metrics/names.ts'],
}

/** Library → the rooms that may import it; `*`: every room that is not pure. A library that is not here fails. */
export const libraryRooms: ReadonlyMap<RegExp, readonly string[]> = new Map([
  [/^@aws-sdk\/client-(?:s3|sts)$/, ['blobs']],
  [/^@aws-sdk\/client-cloudwatch$/, ['metrics']],
  [/^@aws-sdk\/client-sns$/, ['notify']],
  [/^@aws-sdk\/client-kms$/, ['seal']],
  // Time-outs and connection pools of the AWS clients.
  [/^@smithy\/node-http-handler$/, ['aws.ts', 'blobs']],
  [/^better-sqlite3$/, ['ledger']],
  [/^@elastic\//, ['engine']],
  [/^execa$/, ['engine']],
  [/^get-port$/, ['engine']],
  [/^(?:zod|yaml)$/, ['config']],
  [/^(?:hono(?:\/.*)?|d3-.*)$/, ['report']],
  [/^fzstd$/, ['repository']],
  [/^(?:yargs(?:\/.*)?|pino)$/, ['cli']],
  [/^(?:p-limit|p-retry)$/, ['*']],
])

export const pureRooms: ReadonlySet<string> = new Set(['plan', 'rules', 'report', 'formats', 'model'])
/** Computation, no I/O. */
const pureNodeModules: ReadonlySet<string> = new Set(['node:crypto', 'node:buffer'])
/** Who may start a child process: whatever is started must die with us, so it is started in one place. */
const childProcessRooms: ReadonlySet<string> = new Set(['engine'])
/** Who may ask for the time, for chance, for the environment. */
const worldFiles = (file: string) => file === 'src/time.ts' || file === 'src/main.ts' || file.startsWith('src/config/')

/** `src/blobs/s3.ts` → `blobs`; `src/time.ts` → `time.ts`; `infra/local/x.ts` → `infra/local`. */
function roomOf(file: string): string {
  const [top = '', second = ''] = file.split('/')
  return top === 'src' ? second : `${top}/${second}`
}

/** Everything that the file does and may not, one sentence each. */
export function violations(file: string, text: string): string[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.ESNext, true, ts.ScriptKind.TS)
  const room = roomOf(file)
  const infra = file.startsWith('infra/')
  const found = importsOf(source).flatMap(({ specifier, names }) => importFault(file, room, specifier, names) ?? [])
  if (!infra) found.push(...(pureRooms.has(room) ? promiseFaults(source) : []))
  if (!infra && !worldFiles(file)) found.push(...worldFaults(source))
  return found.map(fault => `${file}: ${fault}`)
}

function importFault(file: string, room: string, specifier: string | null, names: readonly string[]): string | null {
  const infra = file.startsWith('infra/')
  if (specifier === null) return infra ? null : 'imports something that only the run can tell'
  if (specifier.startsWith('.')) {
    const target = posix.normalize(posix.join(posix.dirname(file), specifier))
    if (!target.startsWith('src/')) return infra ? null : `imports ${target} from outside src/`
    return roomFault(room, target, names)
  }
  if (infra) return null
  const node = specifier.startsWith('node:') || builtinModules.includes(specifier)
  if (node) return nodeFault(file, room, specifier)
  for (const [pattern, rooms] of libraryRooms) {
    if (!pattern.test(specifier)) continue
    if (rooms.includes(room) || (rooms.includes('*') && !pureRooms.has(room))) return null
    return `imports ${specifier}, which belongs to ${rooms.join(', ')}`
  }
  return `imports ${specifier}, which no room owns`
}

function roomFault(room: string, target: string, names: readonly string[]): string | null {
  const other = roomOf(target)
  const allowed = mayImport[room]
  if (allowed === undefined) return `lies in a room that the table does not know: ${room}`
  if (other === room) return null
  const inside = target.slice('src/'.length)
  if (pureRooms.has(room) && (other === 'time.ts' || other === 'log.ts')) {
    // Writing a time down is computation; asking for it is not.
    const impure = other === 'time.ts' ? names.filter(name => name !== 'isoTime') : names
    return impure.length === 0 ? null : `pure room ${room} imports ${impure.join(', ')} from ${other}`
  }
  if ([...base, ...allowed].some(entry => entry === other || entry === inside)) return null
  return `${room} imports ${inside}; it may import ${[...base, ...allowed].join(', ')}`
}

function nodeFault(file: string, room: string, specifier: string): string | null {
  if (!specifier.startsWith('node:')) return `imports ${specifier} without node:`
  if (pureRooms.has(room) && !pureNodeModules.has(specifier)) return `pure room ${room} imports ${specifier}`
  if (specifier === 'node:child_process' && !childProcessRooms.has(room)) return `imports ${specifier} outside engine/`
  if (specifier === 'node:process' && !worldFiles(file)) return `imports ${specifier}: the environment is config's`
  return null
}

interface Import {
  /** Null: not a literal. */
  readonly specifier: string | null
  /** Imported names; `*` for all of it. */
  readonly names: readonly string[]
}

function importsOf(source: ts.SourceFile): Import[] {
  const found: Import[] = []
  const literal = (node: ts.Node | undefined) => (node !== undefined && ts.isStringLiteralLike(node) ? node.text : null)
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) {
      found.push({ specifier: literal(node.moduleSpecifier), names: importedNames(node.importClause) })
    } else if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined) {
      const clause = node.exportClause
      const names =
        clause !== undefined && ts.isNamedExports(clause)
          ? clause.elements.map(element => (element.propertyName ?? element.name).text)
          : ['*']
      found.push({ specifier: literal(node.moduleSpecifier), names })
    } else if (ts.isImportTypeNode(node)) {
      const argument = ts.isLiteralTypeNode(node.argument) ? node.argument.literal : undefined
      found.push({ specifier: literal(argument), names: ['*'] })
    } else if (ts.isExternalModuleReference(node)) {
      found.push({ specifier: literal(node.expression), names: ['*'] })
    } else if (ts.isCallExpression(node)) {
      const called = node.expression
      const loads =
        called.kind === ts.SyntaxKind.ImportKeyword || (ts.isIdentifier(called) && called.text === 'require')
      if (loads) found.push({ specifier: literal(node.arguments[0]), names: ['*'] })
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}

function importedNames(clause: ts.ImportClause | undefined): string[] {
  if (clause === undefined) return ['*']
  const { name, namedBindings } = clause
  const own = name === undefined ? [] : ['default']
  if (namedBindings === undefined) return own
  if (ts.isNamespaceImport(namedBindings)) return [...own, '*']
  return [...own, ...namedBindings.elements.map(element => (element.propertyName ?? element.name).text)]
}

function promiseFaults(source: ts.SourceFile): string[] {
  return search(source, node => {
    if (node.kind === ts.SyntaxKind.AsyncKeyword) return 'is pure and says async'
    if (ts.isAwaitExpression(node)) return 'is pure and says await'
    if (ts.isForOfStatement(node) && node.awaitModifier !== undefined) return 'is pure and says for await'
    const waits = /^(?:Promise|PromiseLike|setTimeout|setInterval|setImmediate|queueMicrotask|fetch|AbortSignal)$/
    if (!ts.isIdentifier(node) || !waits.test(node.text) || isPropertyName(node) || isRefused(node)) return null
    return `is pure and names ${node.text}`
  })
}

function worldFaults(source: ts.SourceFile): string[] {
  const forbidden: Readonly<Record<string, readonly string[]>> = {
    Date: ['now'],
    Math: ['random'],
    process: ['env'],
    performance: ['now'],
  }
  return search(source, node => {
    if (ts.isNewExpression(node) && isNamed(node.expression, 'Date') && (node.arguments ?? []).length === 0) {
      return 'says new Date()'
    }
    if (ts.isCallExpression(node) && isNamed(node.expression, 'Date')) return 'says Date()'
    const [object, member] = ts.isPropertyAccessExpression(node)
      ? [node.expression, node.name.text]
      : ts.isElementAccessExpression(node) && ts.isStringLiteralLike(node.argumentExpression)
        ? [node.expression, node.argumentExpression.text]
        : [undefined, '']
    for (const [name, members] of Object.entries(forbidden)) {
      if (object !== undefined && isNamed(object, name) && members.includes(member)) return `says ${name}.${member}`
    }
    const taken = ts.isVariableDeclaration(node) && ts.isObjectBindingPattern(node.name) ? node.initializer : undefined
    const world = Object.keys(forbidden).find(name => taken !== undefined && isNamed(taken, name))
    return world === undefined ? null : `takes ${world} apart`
  })
}

/** `Date`, or `globalThis.Date`. */
function isNamed(node: ts.Expression, name: string): boolean {
  if (ts.isPropertyAccessExpression(node)) return isNamed(node.expression, 'globalThis') && node.name.text === name
  return ts.isIdentifier(node) && node.text === name
}

function isPropertyName(node: ts.Identifier): boolean {
  const { parent } = node
  return (
    (ts.isPropertyAccessExpression(parent) && parent.name === node) ||
    ((ts.isPropertyAssignment(parent) || ts.isPropertySignature(parent)) && parent.name === node)
  )
}

/** `value instanceof Promise` is how a pure room refuses one. */
function isRefused({ parent }: ts.Identifier): boolean {
  return ts.isBinaryExpression(parent) && parent.operatorToken.kind === ts.SyntaxKind.InstanceOfKeyword
}

function search(source: ts.SourceFile, judge: (node: ts.Node) => string | null): string[] {
  const found: string[] = []
  const visit = (node: ts.Node): void => {
    const fault = judge(node)
    if (fault !== null) {
      const { line } = source.getLineAndCharacterOfPosition(node.getStart())
      found.push(`${fault} (line ${line + 1})`)
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}
