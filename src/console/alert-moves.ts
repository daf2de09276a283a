import type { Administrator } from './admission.ts'
import type { AlertMoved } from './api.ts'
import type { ConsoleRequest } from './contract.ts'
import type { Desk } from './desk.ts'
import { idField } from './input.ts'
import { Declined, notFound } from './problem.ts'

/** `POST api/alert/acknowledge`: the administrator takes care of an alert. */
export async function acknowledge(desk: Desk, request: ConsoleRequest, who: Administrator): Promise<AlertMoved> {
  const id = idField(await request.json(), 'id')
  return moved(desk, id, await desk.watch.acknowledge(id, who.userId))
}

/** `POST api/alert/close`: the administrator is done with an alert. */
export async function close(desk: Desk, request: ConsoleRequest, who: Administrator): Promise<AlertMoved> {
  const id = idField(await request.json(), 'id')
  return moved(desk, id, await desk.watch.closeAlert(id, who.userId))
}

async function moved({ watch }: Desk, id: string, alert: AlertMoved['alert'] | null): Promise<AlertMoved> {
  if (alert !== null) return { alert }
  if ((await watch.alert(id)) === null) throw notFound()
  throw new Declined(409, 'moved-already', 'Somebody else was faster. Look at the alert again.')
}
