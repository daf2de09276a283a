import { html } from 'hono/html'
import { encodeQR } from 'qr'
import type { Html } from './html.ts'

/** A text as a QR code, dark on light in all colours of the page, because not every camera reads the other way round. */
export function qrCode(text: string, label: string): Html {
  const rows = encodeQR(text, 'raw', { border: 3 })
  const dots = rows.flatMap((row, y) => row.flatMap((isDark, x) => (isDark ? [`M${x} ${y}h1v1h-1z`] : [])))
  return html`<svg class="qr" viewBox="0 0 ${rows.length} ${rows.length}" role="img" aria-label="${label}" shape-rendering="crispEdges"><path d="${dots.join('')}"/></svg>`
}
