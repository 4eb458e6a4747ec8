/**
 * What objects cost while nobody needs them. List prices of us-east-1 in USD for a month and GB of 10^9 bytes, first tier.
 * Source: Amazon S3 pricing page, as published in 2025. Another region or another store differs; the message says whose they are.
 */
const usdPerGbMonth: ReadonlyMap<string, number> = new Map([
  ['STANDARD', 0.023],
  ['INTELLIGENT_TIERING', 0.023],
  ['STANDARD_IA', 0.0125],
  ['ONEZONE_IA', 0.01],
  ['GLACIER_IR', 0.004],
  ['GLACIER', 0.0036],
  ['DEEP_ARCHIVE', 0.00099],
  ['REDUCED_REDUNDANCY', 0.024],
  ['EXPRESS_ONEZONE', 0.11],
])

/** `bytesByClass`: storage class → bytes. Classes without a known price count as STANDARD. */
export function storagePrice(bytesByClass: ReadonlyMap<string, number>): string {
  const standard = usdPerGbMonth.get('STANDARD') ?? 0
  let usd = 0
  for (const [name, bytes] of bytesByClass) usd += (bytes / 1e9) * (usdPerGbMonth.get(name) ?? standard)
  const amount = usd < 0.01 ? 'less than 0.01' : `about ${usd.toFixed(2)}`
  return `${amount} USD a month at S3 list prices of us-east-1, 2025`
}
