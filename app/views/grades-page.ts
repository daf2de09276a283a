import { html } from 'hono/html'
import { course, type Edition, type GradeList, marks } from '../grades.ts'
import { clockTime } from '../times.ts'
import { csrfField } from './csrf-field.ts'
import type { Html } from './html.ts'
import type { Visitor } from './visitor.ts'

/** The instructor's page: everybody's grade, to change and publish. */
export function gradeFormPage(
  visitor: Visitor,
  latest: Edition | null,
  { published, problem }: { readonly published: boolean; readonly problem: string | null },
): Html {
  return html`<p class="kicker">${course.title}</p>
<h1>Grades</h1>
<p class="lead">${latest === null ? 'Nothing is published yet.' : edition(latest)} Students see their own grade as soon as you publish.</p>
<section class="card grades">
${published ? html`<p class="notice good" role="status">Published.</p>` : ''}
${problem === null ? '' : html`<p class="notice bad" role="alert">${problem}</p>`}
<form method="post" action="/grades">${csrfField(visitor)}
<table class="plain">
<thead><tr><th scope="col">Student</th><th scope="col">Published</th><th scope="col">Grade</th></tr></thead>
<tbody>
${course.participants.map(name => participant(name, latest?.grades[name] ?? null))}
</tbody>
</table>
<p class="actions"><button type="submit">Continue</button></p>
</form>
</section>`
}

function participant(name: string, published: string | null): Html {
  return html`<tr><th scope="row"><label for="grade_${name}">${name}</label></th><td>${published ?? '–'}</td>
<td><select id="grade_${name}" name="grade_${name}" aria-label="Grade of ${name}"><option value="">none</option>${marks.map(
    mark => html`<option${mark === published ? html` selected` : ''}>${mark}</option>`,
  )}</select></td></tr>`
}

/** What a student sees. */
export function ownGradePage(username: string, latest: Edition | null): Html {
  const mark = latest?.grades[username] ?? null
  const takesPart = course.participants.some(name => name === username)
  return html`<p class="kicker">${course.title}</p>
<h1>Your grade</h1>
${
  latest === null || mark === null
    ? html`<p class="lead">${takesPart ? 'There is none yet. It will be here as soon as it is published.' : 'You do not take part in this course.'}</p>`
    : html`<section class="card own-grade"><p class="mark-given">${mark}</p><p class="soft">${edition(latest)}</p></section>`
}`
}

/** What a publication changes, line by line. */
export function gradeChanges(before: GradeList, after: GradeList): Html {
  return html`<table class="plain">
<thead><tr><th scope="col">Student</th><th scope="col">Until now</th><th scope="col">From now on</th></tr></thead>
<tbody>
${course.participants.map(name => {
  const [old, now] = [before[name] ?? '–', after[name] ?? '–']
  return html`<tr><th scope="row">${name}</th><td>${old}</td><td>${old === now ? now : html`<b>${now}</b>`}</td></tr>`
})}
</tbody>
</table>
<p class="soft">Every student sees their own grade at once.</p>`
}

function edition({ edition, publishedBy, publishedAt }: Edition): string {
  const which = edition === 1 ? 'Published' : `Published for the ${ordinal(edition)} time`
  return `${which} by ${publishedBy} on ${clockTime(publishedAt)}.`
}

const endings = new Map([
  ['one', 'st'],
  ['two', 'nd'],
  ['few', 'rd'],
])
const ordinals = new Intl.PluralRules('en', { type: 'ordinal' })

function ordinal(count: number): string {
  return `${count}${endings.get(ordinals.select(count)) ?? 'th'}`
}
