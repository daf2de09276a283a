import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { loadAgents } from '../../src/watch/agents.ts'
import { browsers } from './detectors/watched-world.ts'

const agents = await loadAgents()
const unreadable = { browser: null, os: null, device: null, version: null }

describe('user agents', () => {
  const known: readonly (readonly [text: string, browser: string | null, os: string | null, device: string | null])[] =
    [
      [browsers.chrome, 'Chrome', 'Windows', 'desktop'],
      [browsers.edge, 'Microsoft Edge', 'Windows', 'desktop'],
      [browsers.firefox, 'Firefox', 'Linux', 'desktop'],
      [browsers.iphone, 'Safari', 'iOS', 'mobile'],
      [browsers.iphoneAsDesktop, 'Safari', 'macOS', 'desktop'],
      [browsers.chromeOnAndroid, 'Chrome', 'Android', 'mobile'],
      [browsers.curl, null, null, null],
      ['', null, null, null],
    ]
  for (const [text, browser, os, device] of known) {
    it(`${text.slice(0, 60) || 'no text'} is ${browser ?? 'a program'} on ${os ?? 'something'}`, () => {
      const { version, ...families } = agents.read(text)
      assert.deepEqual(families, { browser, os, device })
      assert.equal(version !== null, browser !== null)
    })
  }

  it('a version is a whole number', () => {
    assert.equal(agents.read(browsers.chrome).version, 126)
    assert.equal(agents.read(browsers.iphone).version, 17)
  })

  const hostile = [
    '<script>alert(1)</script>/1.0 x',
    'evil\nlog line/1.0 x',
    '__proto__/1.0 constructor/2.0 ',
    'Mozilla/5.0 (<img src=x onerror=alert(1)>) Gecko/1 Fire<b>fox/1',
    'a'.repeat(256),
    '('.repeat(256),
    'Mozilla/5.0 '.repeat(100),
    '\u0000\u0001\u001b[31m',
    '\u{1f600} 顔/1.0 x',
    '\ud800/1.0 x',
  ]
  it('nothing of a hostile header gets into a name', () => {
    for (const text of hostile) {
      const { browser, os, device } = agents.read(text)
      for (const name of [browser, os, device]) assert.match(name ?? '', /^[A-Za-z0-9 -]*$/, JSON.stringify(text))
    }
    assert.deepEqual(agents.read(hostile[0] ?? ''), unreadable)
  })

  it('no header is too strange, and each is read the same when it comes again', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 300 }),
      fc.constantFrom(...Object.values(browsers), ...hostile),
    )
    fc.assert(fc.property(text, header => assert.deepEqual(agents.read(header), agents.read(header))))
  })

  it('texts that differ only outside of Latin-1 are not taken for one another', () => {
    const odd = browsers.chrome.replace('Chrome', '\u0143hrome')
    const [before, after] = [agents.read(odd), agents.read(browsers.chrome)]
    assert.notDeepEqual(before, after)
    assert.equal(after.browser, 'Chrome')
  })

  it('what lies behind the 256th character is not read', () => {
    const padded = `${'x'.repeat(256)} Firefox/127.0`
    assert.equal(agents.read(padded).browser, null)
  })
})
