/** Where things are kept that cost a download and may be lost: outside any tree. */
import { homedir } from 'node:os'
import { join } from 'node:path'

/** `$XDG_CACHE_HOME/snapproof`, else `~/.cache/snapproof`. */
export function cacheFolder(environment: Readonly<Record<string, string | undefined>>): string {
  return join(environment.XDG_CACHE_HOME || join(homedir(), '.cache'), 'snapproof')
}
