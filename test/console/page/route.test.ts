import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { addressOf, anySession, type Route, readRoute } from '../../../src/console/page/route.ts'

describe('Where one is in the console', () => {
  const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 300 })
  const filter = fc.record(
    {
      ...{ user: fc.string(), text: fc.string(), level: fc.constantFrom('', '0', '3') },
      ...{ carrier: fc.constantFrom('', 'cookie', 'bearer'), locked: fc.constantFrom('', 'true', 'false') },
    },
    { noNullPrototype: true },
  )
  const route: fc.Arbitrary<Route> = fc.oneof(
    fc.constantFrom<Route>({ view: 'overview' }, { view: 'live' }),
    filter.map(one => ({ view: 'sessions', filter: one }) as const),
    text.map(sid => ({ view: 'session', sid }) as const),
    text.map(id => ({ view: 'user', id }) as const),
    text.map(name => ({ view: 'detector', name }) as const),
    fc.constantFrom('open', 'acknowledged', 'closed').map(state => ({ view: 'alerts', state }) as const),
  )

  it('T18: every address leads back to where it was made, whatever a user is called', () => {
    fc.assert(fc.property(route, one => assert.deepEqual(readRoute(addressOf(one)), one)))
  })

  it('T18: an address never leaves the page and breaks out of nothing', () => {
    fc.assert(fc.property(route, one => assert.match(addressOf(one), /^#\/[^<>"\s]*$/)))
  })

  it('half a surrogate pair in a name does not throw', () => {
    assert.equal(addressOf({ view: 'user', id: '\uD800' }), '#/user/%EF%BF%BD')
  })

  for (const [hash, view] of [
    ['', 'overview'],
    ['#/', 'overview'],
    ['#live', 'live'],
    ['#/live', 'live'],
    ['#/user/', 'nowhere'],
    ['#/user/%', 'nowhere'],
    ['#/constructor', 'nowhere'],
    ['#/constructor/x', 'nowhere'],
    ['#//evil.example', 'nowhere'],
  ] as const) {
    it(`${hash || 'nothing'} leads to ${view}`, () => assert.equal(readRoute(hash).view, view))
  }

  it('what a filter does not know is no filter', () => {
    assert.deepEqual(readRoute('#/sessions?level=9&carrier=x&locked=maybe&user=ada'), {
      view: 'sessions',
      filter: { ...anySession, user: 'ada' },
    })
    assert.deepEqual(readRoute('#/alerts?state=__proto__'), { view: 'alerts', state: 'open' })
  })
})
