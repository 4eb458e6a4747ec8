/** What objects cost while nobody needs them. */
import { billedClass, type PriceTable } from '../model/cost.ts'

/** `bytesByClass`: storage class → bytes. Classes without a known price count as STANDARD. */
export function storagePrice(
  bytesByClass: ReadonlyMap<string, number>,
  { storageClasses, region, asOf }: PriceTable,
): string {
  const standard = storageClasses.STANDARD?.storageGbMonth ?? 0
  let usd = 0
  for (const [name, bytes] of bytesByClass)
    usd += (bytes / 1e9) * (storageClasses[billedClass(name)]?.storageGbMonth ?? standard)
  const amount = usd < 0.01 ? 'less than 0.01' : `about ${usd.toFixed(2)}`
  return `${amount} USD a month at list prices of ${region}, ${asOf}`
}
