/** Many may share a server; who needs it for himself waits for them, and those who come later wait for him. */
export interface Gate {
  shared<Value>(work: () => Promise<Value>): Promise<Value>
  alone<Value>(work: () => Promise<Value>): Promise<Value>
}

export function openGate(): Gate {
  let sharing = 0
  let taken = false
  const waiting: { readonly alone: boolean; readonly enter: () => void }[] = []

  function letIn(): void {
    for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
      if (taken || (next.alone && sharing > 0)) return
      waiting.shift()
      if (next.alone) taken = true
      else sharing++
      next.enter()
    }
  }
  function entered(alone: boolean): Promise<void> {
    return new Promise(enter => {
      waiting.push({ alone, enter })
      letIn()
    })
  }
  async function pass<Value>(alone: boolean, work: () => Promise<Value>): Promise<Value> {
    await entered(alone)
    try {
      return await work()
    } finally {
      if (alone) taken = false
      else sharing--
      letIn()
    }
  }
  return { shared: work => pass(false, work), alone: work => pass(true, work) }
}
