/** Counts the calls of one kind that a whole audit makes, and fails one of them, or all from one on. */

export interface Fault {
  /** What is wrapped, such as `ledger`. */
  readonly port: string
  /** What goes wrong, such as `refused`. */
  readonly kind: string
  /** Number of the call, from 1, among those that this kind can hit. 0: none. */
  readonly call: number
  /** Once, or an outage: this call and all after it. */
  readonly lasting: boolean
}

export class FaultPoint {
  calls = 0
  fired = 0
  /** The call that was failed first, for messages. */
  where = ''
  readonly fault: Fault

  constructor(fault: Fault) {
    this.fault = fault
  }

  /** Does this call fail? Only calls that the kind can hit may be shown here. */
  hits(port: string, what: string): boolean {
    if (port !== this.fault.port) return false
    this.calls++
    const { call, lasting } = this.fault
    const hit = call > 0 && (lasting ? this.calls >= call : this.calls === call)
    if (!hit) return false
    if (this.fired === 0) this.where = what
    this.fired++
    return true
  }

  is(port: string, ...kinds: readonly string[]): boolean {
    return this.fault.port === port && kinds.includes(this.fault.kind)
  }

  toString(): string {
    const { port, kind, call, lasting } = this.fault
    return `${port}: ${kind}${lasting ? ' from' : ' at'} call ${call} (${this.where})`
  }
}
