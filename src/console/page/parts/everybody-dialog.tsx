import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { Ended, EverybodyConfirmation, EverybodyEnd } from '../../api.ts'
import { useConsole } from '../console-context.ts'
import { everybodyEnded } from '../ending.ts'
import { count, plural } from '../numbers.ts'
import { askForPasskey, canUsePasskeys } from '../passkey.ts'
import { useAction } from '../use-action.ts'
import { useAnswer } from '../use-answer.ts'
import { Dialog } from './dialog.tsx'
import { Busy, ProblemNotice } from './notice.tsx'

/** Ends everybody's sessions: says exactly what will happen, and has the administrator prove that they want it. */
export function EverybodyDialog({ close }: { close: () => void }): JSX.Element {
  const { client, overview, over, refresh } = useConsole()
  const [round, setRound] = useState(0)
  const opened = useAnswer(`everybody ${round}`, () => client.post<EverybodyConfirmation>('everybody/confirm', {}))
  const action = useAction()
  const live = overview.census?.total ?? null
  return (
    <Dialog title="End everybody’s sessions" close={close} busy={action.busy} tone="grave">
      <div class="will-happen">
        <p>When you confirm,</p>
        <ul>
          <li>
            {live === null ? 'every session' : `all ${count(live)} sessions`} of every user, on every device, programs
            included, end at once;
          </li>
          <li>
            <b>yours, too</b>: you will be signed out;
          </li>
          <li>everybody has to sign in again, and what they had not saved may be lost;</li>
          <li>it is written down in the audit trail with your name, and cannot be undone.</li>
        </ul>
      </div>
      <ProblemNotice problem={opened.problem} again={opened.again} />
      {opened.answer === null && opened.problem === null && <Busy>Preparing the confirmation…</Busy>}
      {opened.answer !== null && (
        <ProofForm
          key={opened.answer.confirmation}
          confirmation={opened.answer}
          action={action}
          anew={() => setRound(round + 1)}
          close={close}
          done={ended => {
            const message = `${plural(ended, 'session')} ended, yours among them.`
            over({ code: everybodyEnded, message, signInAt: null })
            refresh()
          }}
        />
      )}
      {opened.answer === null && (
        <div class="actions">
          <Cancel close={close} />
        </div>
      )}
    </Dialog>
  )
}

/** Asks for what the server wants to have proved. */
function ProofForm({
  confirmation,
  action,
  anew,
  close,
  done,
}: {
  confirmation: EverybodyConfirmation
  action: ReturnType<typeof useAction>
  /** Opens another confirmation, when this one is void. */
  anew: () => void
  close: () => void
  done: (ended: number) => void
}): JSX.Element {
  const { client, now, overview } = useConsole()
  const [password, setPassword] = useState('')
  const [code, setCode] = useState('')
  const [noPasskey, setNoPasskey] = useState(false)
  const waiting = useWait(action.problem?.waitMs ?? null)
  const { proof } = overview

  const end = (passkey: unknown) =>
    action.run(async () => {
      const body: EverybodyEnd = {
        confirmation: confirmation.confirmation,
        ...(password === '' ? {} : { password }),
        ...(code === '' || passkey !== undefined ? {} : { code: code.replaceAll(/\s/g, '') }),
        ...(passkey === undefined ? {} : { passkey }),
      }
      const answer = await client.post<Ended>('everybody/end', body)
      done(answer.ended)
    })
  const withPasskey = async () => {
    setNoPasskey(false)
    const passkey = await askForPasskey(confirmation.passkey)
    if (passkey === null) setNoPasskey(true)
    else await end(passkey)
  }

  const blocked = action.busy || waiting > 0
  if (now >= confirmation.expiresAt) {
    return (
      <div class="notice bad" role="alert">
        <p>That took too long, and nothing was done.</p>
        <button type="button" class="quiet small" onClick={anew}>
          Begin again
        </button>
        <Cancel close={close} />
      </div>
    )
  }
  return (
    <form
      class="fields"
      onSubmit={event => {
        event.preventDefault()
        if (!blocked) end(undefined)
      }}
    >
      {proof.password && (
        <label>
          Your password
          <input
            type="password"
            autoComplete="current-password"
            required
            value={password}
            onInput={event => setPassword(event.currentTarget.value)}
          />
        </label>
      )}
      {proof.code && (
        <label>
          Code <span class="aside">from your app, or a recovery code</span>
          <input
            class="code"
            inputMode="numeric"
            autoComplete="one-time-code"
            spellcheck={false}
            value={code}
            onInput={event => setCode(event.currentTarget.value)}
          />
        </label>
      )}
      <ProblemNotice
        problem={action.problem}
        {...(action.problem?.code === 'confirmation-refused' && { again: anew })}
      />
      {noPasskey && (
        <div class="notice bad" role="alert">
          <p>No passkey was used.</p>
        </div>
      )}
      {waiting > 0 && <p role="status">You can try again in {waiting} s.</p>}
      <div class="actions">
        {(proof.password || proof.code) && (
          <button type="submit" class="grave" aria-disabled={blocked}>
            {action.busy ? 'Ending all sessions…' : 'End everybody’s sessions'}
          </button>
        )}
        {confirmation.passkey !== null && canUsePasskeys() && (
          <button type="button" class="quiet" aria-disabled={blocked} onClick={() => blocked || withPasskey()}>
            {proof.code ? 'Use a passkey instead' : 'Confirm with a passkey'}
          </button>
        )}
        {!action.busy && <Cancel close={close} />}
      </div>
    </form>
  )
}

function Cancel({ close }: { close: () => void }): JSX.Element {
  return (
    <button type="button" class="quiet" onClick={close}>
      Cancel
    </button>
  )
}

/** Seconds that are still to wait, counted down. */
function useWait(waitMs: number | null): number {
  const [seconds, setSeconds] = useState(0)
  useEffect(() => {
    setSeconds(Math.ceil((waitMs ?? 0) / 1_000))
    if (waitMs === null) return
    const timer = setInterval(() => setSeconds(before => Math.max(0, before - 1)), 1_000)
    return () => clearInterval(timer)
  }, [waitMs])
  return seconds
}
