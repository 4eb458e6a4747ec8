/** IPv4 addresses and their subnets. Pure. */

/** Does `address` lie in `cidr`, such as 10.89.0.1/24? False for anything that is not IPv4. */
export function isInSubnet(address: string, cidr: string): boolean {
  const [base = '', length = ''] = cidr.split('/')
  const [a, b, bits] = [numberOf(address), numberOf(base), Number(length)]
  if (a === null || b === null || !/^\d{1,2}$/.test(length) || bits > 32) return false
  const size = 2 ** (32 - bits)
  return Math.floor(a / size) === Math.floor(b / size)
}

function numberOf(address: string): number | null {
  const parts = address.split('.')
  if (parts.length !== 4 || !parts.every(part => /^\d{1,3}$/.test(part) && Number(part) <= 255)) return null
  return parts.reduce((sum, part) => sum * 256 + Number(part), 0)
}
