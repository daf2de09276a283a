import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readmeExample } from './readme-example.ts'

test('the example is the first ts block under its heading', () => {
  const readme = [
    '# Latchkey',
    '```ts',
    'earlier()',
    '```',
    '## Example',
    'Install it:',
    '```sh',
    'npm i latchkey',
    '```',
    '```ts',
    '// ## Example',
    'first()',
    '',
    '```',
    '```ts',
    'second()',
    '```',
  ]
  assert.equal(readmeExample(readme.join('\n')), '// ## Example\nfirst()\n\n')
  assert.equal(readmeExample(readme.join('\r\n')), '// ## Example\nfirst()\n\n')
})

const refused: [name: string, readme: string, message: RegExp][] = [
  ['no heading', '# Latchkey\n```ts\nx()\n```', /needs a heading "## Example"/],
  ['no block', '## Example\nSoon.', /needs a ```ts block/],
  ['another language', '## Example\n```js\nx()\n```', /needs a ```ts block/],
  ['a block of the next chapter', '## Example\n## More\n```ts\nx()\n```', /needs a ```ts block/],
  ['an open block', '## Example\n```ts\nx()', /is not closed/],
]

for (const [name, readme, message] of refused) {
  test(`a README with ${name} is refused by name`, () => assert.throws(() => readmeExample(readme), message))
}
