import { chmod, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { featureVersion, findJdk } from '../../src/engine/jdk.ts'

let root: string
beforeEach(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'snapproof-jdk-')))
})
afterEach(() => rm(root, { recursive: true }))

async function jdk(name: string, version: string, tools = ['java', 'javac', 'jar']): Promise<string> {
  const home = join(root, name)
  await mkdir(join(home, 'bin'), { recursive: true })
  await writeFile(join(home, 'release'), `IMPLEMENTOR="x"\nJAVA_VERSION="${version}"\n`)
  for (const tool of tools) {
    await writeFile(join(home, 'bin', tool), '')
    await chmod(join(home, 'bin', tool), 0o755)
  }
  return home
}
const wanted = { minimum: 21, neededBy: 'elasticsearch 9.5.3' }

describe('findJdk', () => {
  it('takes the newest within the bounds, wherever it lies', async () => {
    const old = await jdk('homes/a-17', '17.0.15')
    const onPath = await jdk('elsewhere/jdk', '21.0.2')
    const newest = await jdk('homes/z-25', '25.0.1')
    const environment = { JAVA_HOME: old, PATH: `/nonexistent:${onPath}/bin` }
    expect(await findJdk(wanted, environment, [join(root, 'homes')])).toEqual({
      home: newest,
      java: join(newest, 'bin/java'),
      version: 25,
    })
    expect((await findJdk({ ...wanted, maximum: 24 }, environment, [join(root, 'homes')])).home).toBe(onPath)
  })

  it('follows the link that a PATH entry is, and macOS’s Contents/Home', async () => {
    const real = await jdk('real', '21')
    await mkdir(join(root, 'bin'))
    await symlink(join(real, 'bin/java'), join(root, 'bin/java'))
    expect((await findJdk(wanted, { PATH: join(root, 'bin') }, [])).home).toBe(real)
    const mac = await jdk('mac/temurin.jdk/Contents/Home', '24.0.1')
    expect((await findJdk(wanted, {}, [join(root, 'mac')])).home).toBe(mac)
  })

  it('says what is needed and what was found where', async () => {
    const old = await jdk('homes/a-17', '17.0.15')
    await jdk('homes/runtime-only', '25', ['java'])
    const search = findJdk(wanted, { JAVA_HOME: old, PATH: '' }, [join(root, 'homes')])
    await expect(search).rejects.toMatchObject({
      code: 'no-jdk',
      message: `elasticsearch 9.5.3 needs a JDK 21 or newer; found only 17 in ${old}; looked at JAVA_HOME (${old}), PATH, ${join(root, 'homes')}`,
    })
    await expect(findJdk(wanted, {}, [])).rejects.toThrow('found none')
  })
})

it('featureVersion reads old and new numbering', () => {
  expect(featureVersion('JAVA_VERSION="1.8.0_392"')).toBe(8)
  expect(featureVersion('A="1"\nJAVA_VERSION="25.0.1"')).toBe(25)
  expect(featureVersion('JAVA_VERSION="26-ea"')).toBe(26)
  expect(featureVersion('nothing')).toBeNull()
})
