/**
 * A constructed style sheet is the script's own and needs no `'unsafe-inline'` of a Content-Security-Policy. System
 * colours follow the page's `color-scheme`, dark or light, and the forced colours of a high-contrast mode; fonts are the
 * page's. Nothing moves, so there is nothing for `prefers-reduced-motion` to stop.
 */
const rules =
  '.latchkey-dialog,.latchkey-notice{box-sizing:border-box;max-width:min(30rem,100% - 2rem);margin:auto;padding:1.5rem;color:CanvasText;background:Canvas;border:1px solid;border-radius:12px}' +
  '.latchkey-dialog::backdrop{background:#0009}' +
  '.latchkey-notice{padding:0 1.5rem 1rem;position:fixed;inset:auto 0 1rem;z-index:9999}' +
  '.latchkey-title{margin:0}' +
  '.latchkey-text{margin:1rem 0}' +
  '.latchkey-button{font:inherit;min-height:44px;margin:4px 8px 4px 0;padding:4px 1rem}' +
  '.latchkey-unseen{position:absolute;clip-path:inset(50%)}'

let worn = false

/** Makes an element of ours, with a class `latchkey-…` to style it by. */
export function make<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  part: string,
  ...children: (Node | string)[]
): HTMLElementTagNameMap[Name] {
  if (!worn) {
    const sheet = new CSSStyleSheet()
    sheet.replaceSync(rules)
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet]
    worn = true
  }
  const element = document.createElement(name)
  element.className = `latchkey-${part}`
  element.append(...children)
  return element
}

/** A button of ours. Outside of any form, so it submits nothing. */
export function makeButton(text: string, press: () => void): HTMLButtonElement {
  const button = make('button', 'button', text)
  button.onclick = press
  return button
}
