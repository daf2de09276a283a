import type { ComponentChildren, JSX } from 'preact'
import type { Ended } from '../../api.ts'
import { useConsole } from '../console-context.ts'
import { plural } from '../numbers.ts'
import { useAction } from '../use-action.ts'
import { Dialog } from './dialog.tsx'
import { ProblemNotice } from './notice.tsx'

/** Asks before a session, or all of a user, are ended; says what happens, and does it. */
export function EndDialog({
  title,
  path,
  body,
  verb,
  close,
  ended,
  children,
}: {
  title: string
  /** Where it is done, and with what. */
  path: 'session/end' | 'user/end'
  body: { readonly sid: string } | { readonly userId: string }
  /** What the button says. */
  verb: string
  close: () => void
  ended: () => void
  /** What will happen. */
  children: ComponentChildren
}): JSX.Element {
  const { client, announce, refresh } = useConsole()
  const action = useAction()
  const end = async () => {
    const worked = await action.run(async () => {
      const answer = await client.post<Ended>(path, body)
      announce(answer.ended === 0 ? 'There was nothing left to end.' : `Ended ${plural(answer.ended, 'session')}.`)
    })
    if (!worked) return
    close()
    ended()
    refresh()
  }
  return (
    <Dialog title={title} close={close} busy={action.busy}>
      <div class="will-happen">{children}</div>
      <ProblemNotice problem={action.problem} />
      <div class="actions">
        <button type="button" class="grave" aria-disabled={action.busy} onClick={end}>
          {action.busy ? 'Ending…' : verb}
        </button>
        <button type="button" class="quiet" onClick={close}>
          Cancel
        </button>
      </div>
    </Dialog>
  )
}
