/** One hash for one configuration: what two runs of the same version were told alike has the same. */
import { createHash } from 'node:crypto'
import type { AuditConfig } from '../model/config.ts'

/**
 * SHA-256 of the validated configuration as JSON, 64 hexadecimal digits. Without the addresses of ping and webhook: a hash is handed
 * out, and tells whoever guesses a secret whether he is right.
 */
export function configurationHash(config: AuditConfig): string {
  const { ping, webhook } = config.notify
  const notify = {
    ...config.notify,
    ping: { url: ping.url !== null },
    webhook: { ...webhook, url: webhook.url !== null },
  }
  return createHash('sha256')
    .update(JSON.stringify({ ...config, notify }))
    .digest('hex')
}
