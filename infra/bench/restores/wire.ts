/** A wire of limited width before a local server: bytes of answers wait for their turn, all connections together. */

import type { AddressInfo } from 'node:net'
import { connect, createServer, type Socket } from 'node:net'
import { pipeline, Transform } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'

export interface Wire {
  readonly port: number
  close(): Promise<void>
}

/** @param bytesPerSecond of all answers together */
export async function narrowWire(target: number, bytesPerSecond: number): Promise<Wire> {
  const sockets = new Set<Socket>()
  // When the wire is free again, in milliseconds of the monotonic clock.
  let freeAt = 0
  const slow = () =>
    new Transform({
      async transform(chunk: Buffer, _encoding, done) {
        const now = performance.now()
        freeAt = Math.max(freeAt, now) + (chunk.length / bytesPerSecond) * 1000
        // A timer is no finer than a millisecond: what is shorter is made up for by the next.
        if (freeAt - now > 2) await delay(freeAt - now)
        done(null, chunk)
      },
    })
  const relay = createServer(socket => {
    const behind = connect(target, '127.0.0.1')
    for (const one of [socket, behind]) {
      sockets.add(one)
      one.on('close', () => sockets.delete(one))
    }
    const end = () => {
      socket.destroy()
      behind.destroy()
    }
    pipeline(socket, behind, end)
    pipeline(behind, slow(), socket, end)
  })
  await new Promise<void>((resolve, reject) => {
    relay.once('error', reject)
    relay.listen(0, '127.0.0.1', resolve)
  })
  return {
    port: (relay.address() as AddressInfo).port,
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise(resolve => relay.close(resolve))
    },
  }
}
