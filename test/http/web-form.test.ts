import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { formOf } from '../../src/http/web-form.ts'

const posted = (body: string) =>
  new Request('https://campus.example/', {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body,
  })

describe('the form of a Web-standard request', () => {
  it('has its fields as texts; one that came twice is no text', async () => {
    const form = await formOf(posted('a=1&b=2&b=3&csrf_token=x'))
    assert.deepEqual(form, { a: '1', b: [], csrf_token: 'x' })
  })

  it('names such as __proto__ are names', async () => {
    const form = (await formOf(posted('__proto__=x&constructor=y'))) as object
    assert.deepEqual(Object.keys(form), ['__proto__', 'constructor'])
    assert.equal(Object.getPrototypeOf(form), Object.prototype)
  })

  it('is read in one pass, however many names it has', async t => {
    let asked = 0
    t.mock.method(FormData.prototype, 'getAll', () => {
      asked += 1
      return []
    })
    const names = Array.from({ length: 5_000 }, (_, i) => `n${i}=1`).join('&')
    assert.equal(Object.keys((await formOf(posted(names))) as object).length, 5_000)
    assert.equal(asked, 0)
  })
})
