import { html } from 'hono/html'
import type { Html } from './html.ts'

/** What went wrong, for the person in front of it. */
export interface Problem {
  readonly status: number
  /** What happened, as a heading. */
  readonly title: string
  /** What to do about it. */
  readonly advice: string
}

/** A page for when something went wrong: what happened, what to do, and a way home. */
export function errorPage(problem: Problem): Html {
  return html`<section class="sheet">
<p class="kicker">Error ${problem.status}</p>
<h1>${problem.title}</h1>
<p>${problem.advice}</p>
<p class="actions"><a class="button" href="/">Home</a></p>
</section>`
}
