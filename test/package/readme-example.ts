/**
 * The README's example: the first block fenced as `ts` under the heading "## Example". It is what a newcomer copies, so
 * it has to run as it stands.
 */
export function readmeExample(markdown: string): string {
  const lines = markdown.split(/\r?\n/)
  const heading = lines.findIndex(line => /^## Example\s*$/.test(line))
  if (heading < 0) throw new Error('README.md needs a heading "## Example" with the example below it')

  const next = lines.findIndex((line, i) => i > heading && /^#{1,2} /.test(line))
  const open = lines.findIndex((line, i) => i > heading && /^```ts\s*$/.test(line))
  if (open < 0 || (next >= 0 && open > next)) throw new Error('README.md needs a ```ts block under "## Example"')

  const close = lines.findIndex((line, i) => i > open && /^```\s*$/.test(line))
  if (close < 0) throw new Error('README.md: the ```ts block under "## Example" is not closed')
  return `${lines.slice(open + 1, close).join('\n')}\n`
}
