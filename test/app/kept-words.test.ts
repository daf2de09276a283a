import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { doingOf, typedInto } from '../../app/kept-words.ts'

const app = join(import.meta.dirname, '../../app')
const fields = [] as const

describe('A form that is kept', () => {
  it('is told in words wherever a form of ours can be kept', () => {
    const views = globSync('views/*.ts', { cwd: app }).map(name => readFileSync(join(app, name), 'utf8'))
    const actions = views.flatMap(text => [...text.matchAll(/<form method="post" action="(\/[^"$]*)"/g)])
    const paths = new Set(
      actions.map(([, action = '']) => action).filter(path => !/^\/(login|logout|reauth)/.test(path)),
    )
    assert.ok(paths.size > 8, [...paths].join())
    for (const action of paths) assert.notEqual(doingOf({ action, fields }), 'send a form', action)
  })

  it('is the same at its second step and with a query, and what is not known is told as such', () => {
    assert.equal(doingOf({ action: '/account/email/confirm?x=1', fields }), 'change your e-mail address')
    for (const action of ['/nowhere', '/constructor', '/account/email/', '/', '//[', '/?/grades'])
      assert.equal(doingOf({ action, fields }), 'send a form', action)
  })

  it('shows what a person typed, and no ids', () => {
    const kept = [
      ['id', 'f1'],
      ['sid', 's1'],
      ['confirmation', 'c1'],
      ['constructor', 'x'],
      ['email', 'ann@example.org'],
      ['end_others', 'on'],
      ['grade_ada', 'A'],
      ['grade_grace', ''],
    ] as const
    assert.deepEqual(typedInto({ action: '/grades', fields: kept }), [
      ['New address', 'ann@example.org'],
      ['Sign out everywhere else', 'Yes'],
      ['Grade of ada', 'A'],
    ])
  })
})
