import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import { closed, type Ending, everybodyEnded } from '../ending.ts'

const titles: ReadonlyMap<string, string> = new Map([
  ['not-fresh', 'Is it still you?'],
  ['level-too-low', 'One more proof, please'],
  ['session-locked', 'Your session is locked'],
  [everybodyEnded, 'Everybody’s sessions are ended'],
  [closed.code, 'The console is closed to you'],
])

const buttons: ReadonlyMap<string, string> = new Map([
  ['not-fresh', 'Prove that it is you'],
  ['level-too-low', 'Prove that it is you'],
  ['session-locked', 'Unlock it'],
])

/** Instead of everything, when the session is over or is to prove more: what was on the screen is nobody's business now. */
export function EndingNotice({ ending }: { ending: Ending }): JSX.Element {
  const title = titles.get(ending.code) ?? 'Your session is over'
  useEffect(() => {
    document.title = `${title} · Console`
  }, [title])
  return (
    <main class="wrap">
      <section class="card sheet" role="alert">
        <h1>{title}</h1>
        <p>{ending.message}</p>
        {ending.signInAt === null ? (
          <p class="soft">
            {ending.code === closed.code
              ? 'Another administrator can say why.'
              : 'Sign in to the application again, then reload this page.'}
          </p>
        ) : (
          <a class="button" href={ending.signInAt}>
            {buttons.get(ending.code) ?? 'Sign in'}
          </a>
        )}
      </section>
    </main>
  )
}
