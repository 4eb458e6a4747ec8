/** Who is told how a run begins and ends, in the configuration. Addresses of pings and webhooks are secrets: who has one can speak for us. */
import { gotAllowed } from './problems.ts'
import { endpointUrl, flag, section, text } from './shapes.ts'

const addressAllowed = 'https://host/path, without user and password'
const address = text(addressAllowed, /^https?:\/\/[A-Za-z0-9.[\]:-]+(?:\/[\u0021\u0022\u0024-\u007e]{0,1900})?$/)
  .nullable()
  .default(null)

export const notifySection = section({
  topicArn: text(
    'the ARN of an SNS topic, such as arn:aws:sns:eu-central-1:111122223333:alarms',
    /^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}$/,
  )
    .nullable()
    .default(null)
    .meta({ description: 'SNS topic of the alarms: doctor asks whether anybody is subscribed. Nothing is sent.' }),
  endpointUrl: endpointUrl.meta({ description: 'Another endpoint than that of SNS.' }),
  ping: section({
    url: address.meta({
      description:
        'Address of a check in the manner of healthchecks.io, a secret: audit and collect send URL/start when they hold the lease, URL for exit code 0, URL/fail for any other.',
    }),
  }).prefault({}),
  webhook: section({
    url: address.meta({
      description: 'Gets a JSON document when audit or collect ends; a secret. What is lost is a warning in the log.',
    }),
    headerVariable: text('a name such as WEBHOOK_HEADER', /^[A-Za-z_][A-Za-z0-9_]{0,127}$/)
      .nullable()
      .default(null)
      .meta({ description: 'Environment variable with one more header for it, such as `Authorization: Bearer …`.' }),
  }).prefault({}),
  plainHttp: flag.default(false).meta({
    description:
      'Addresses of ping and webhook may be http:// on other machines, too: whoever listens on the way reads them.',
  }),
}).prefault({})

/** Values below these keys are never shown: whoever writes the address in the wrong place has still written a secret. */
export function isNotifySecret(path: readonly PropertyKey[]): boolean {
  return path[0] === 'notify' && (path.length === 1 || path[1] === 'ping' || path[1] === 'webhook')
}

/** What is wrong between the keys of the section; addresses are not repeated. `value` is raw. */
export function notifyProblems(
  value: Readonly<Record<string, unknown>>,
): { readonly path: readonly string[]; readonly message: string }[] {
  const leaf = (part: 'ping' | 'webhook', key: string): string | null => {
    const within = value[part]
    const found = typeof within === 'object' && within !== null && key in within ? Reflect.get(within, key) : null
    return typeof found === 'string' ? found : null
  }
  const problems = []
  for (const part of ['ping', 'webhook'] as const) {
    const url = leaf(part, 'url')
    if (url === null || !/^https?:\/\//.test(url)) continue
    const path = ['notify', part, 'url']
    if (!URL.canParse(url)) problems.push({ path, message: gotAllowed(hidden, addressAllowed) })
    else if (value.plainHttp !== true && !isSafe(new URL(url))) {
      const message = 'http:// on another machine; allowed: https://, or notify.plainHttp: true'
      problems.push({ path, message })
    }
  }
  const path = ['notify', 'webhook', 'headerVariable']
  const variable = leaf('webhook', 'headerVariable')
  if (variable?.startsWith('SNAPPROOF_') === true)
    problems.push({ path, message: 'allowed: a name that does not begin with SNAPPROOF_' })
  if (variable !== null && leaf('webhook', 'url') === null)
    problems.push({ path: ['notify', 'webhook', 'url'], message: 'allowed: an address, as headerVariable is given' })
  return problems
}

const hidden = '[hidden]'

function isSafe({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' || ['localhost', '127.0.0.1', '[::1]'].includes(hostname)
}
