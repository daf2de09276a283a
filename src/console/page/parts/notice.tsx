import type { ComponentChildren, JSX } from 'preact'
import type { Refused } from '../client.ts'

/** Says what went wrong, and offers to try again. */
export function ProblemNotice({ problem, again }: { problem: Refused | null; again?: () => void }): JSX.Element | null {
  if (problem === null) return null
  return (
    <div class="notice bad" role="alert">
      <p>{problem.message}</p>
      {again !== undefined && (
        <button type="button" class="quiet small" onClick={again}>
          Try again
        </button>
      )}
    </div>
  )
}

/** Says that there is nothing, and why that is so. */
export function Empty({ title, children }: { title: string; children?: ComponentChildren }): JSX.Element {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      {children !== undefined && <p>{children}</p>}
    </div>
  )
}

/** Says that something is under way; it appears only when it takes a moment. */
export function Busy({ children = 'Loading…' }: { children?: ComponentChildren }): JSX.Element {
  return (
    <p class="busy" role="status">
      <span class="spinner" aria-hidden="true" /> <span>{children}</span>
    </p>
  )
}
