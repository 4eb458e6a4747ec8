/** What the stand-in does to one request instead of serving it; a number is a status. */
export type WireFault = 'reset' | 'lost' | 'cut' | 'truncated' | 'empty' | 'silence' | number

export interface StandIn {
  /** `127.0.0.1:port` */
  readonly address: string
  close(): Promise<void>
}

export function startStandIn(options?: {
  readonly onRequest?: (request: { readonly method: string; readonly path: string }) => WireFault | undefined
}): Promise<StandIn>
