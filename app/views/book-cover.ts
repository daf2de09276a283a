import { html } from 'hono/html'
import type { Book, Cover } from '../books.ts'
import type { Html } from './html.ts'

/** A cover, drawn: two colours, a motif, the title. Decoration only, for the title stands below it as text. */
export function bookCover({ author, cover }: Book): Html {
  return html`<svg class="cover c${cover.palette}" viewBox="0 0 150 210" aria-hidden="true">
<rect class="c-ground" width="150" height="210"/>
${motifs[cover.motif]()}
<rect class="c-spine" width="7" height="210"/>
<text class="c-title" x="20" y="32">${cover.lines.map((line, index) => html`<tspan x="20" dy="${index === 0 ? 0 : 21}">${line}</tspan>`)}</text>
<text class="c-author" x="20" y="196">${author}</text>
</svg>`
}

const motifs: Record<Cover['motif'], () => Html> = {
  door: () =>
    html`<path class="c-figure" d="M52 180v-50a29 29 0 0 1 58 0v50z"/><path class="c-ground" d="M81 132a7 7 0 0 1 3.5 13l3 18H74.5l3-18A7 7 0 0 1 81 132z"/>`,
  sunset: () =>
    html`<circle class="c-figure" cx="81" cy="140" r="32"/><path class="c-ground" d="M20 140h130v4H20zm0 10h130v5H20zm0 11h130v7H20z"/>`,
  tabs: () =>
    html`<path class="c-figure" d="M22 116h26l7 12h66v52H22z" opacity=".55"/><path class="c-figure" d="M40 98h26l7 12h66v52H40z"/>`,
  dots: () => html`${dotField()}`,
  steps: () => html`<path class="c-figure" d="M22 180v-18h24v-18h24v-18h24v-18h24V90h20v90z"/>`,
  letter: () => html`<path class="c-figure" d="M26 112h106v66H26z"/><path class="c-line" d="m26 112 53 40 53-40"/>`,
  moon: () =>
    html`<path class="c-figure" d="M96 100a38 38 0 1 0 26 58 32 32 0 0 1-26-58z"/><circle class="c-figure" cx="118" cy="104" r="3"/><circle class="c-figure" cx="132" cy="128" r="2"/>`,
  sky: () =>
    html`<path class="c-figure" d="M7 210v-46c24-22 44-22 68-4s48 14 75-8v58z"/><path class="c-figure" d="M34 118a11 11 0 0 1 20-6 9 9 0 0 1 13 8 7 7 0 0 1 0 12H36a8 8 0 0 1-2-14z"/><circle class="c-figure" cx="114" cy="112" r="13"/>`,
  loop: () => html`<g class="c-rings"><circle cx="64" cy="136" r="30"/><circle cx="98" cy="136" r="30"/></g>`,
}

/** Looks random, is the same every time. */
function dotField(): Html[] {
  return Array.from({ length: 48 }, (_, index) => {
    const size = ((index * 7919 + 13) % 17) / 4 + 0.8
    return html`<circle class="c-figure" cx="${26 + (index % 8) * 15}" cy="${104 + Math.floor(index / 8) * 15}" r="${size}"/>`
  })
}
