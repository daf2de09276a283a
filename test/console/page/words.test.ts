import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { detectorNames, detectorWords, titleOf } from '../../../src/console/page/words/detectors.ts'
import { sentenceOf, typeNames } from '../../../src/console/page/words/events.ts'
import { factsOf } from '../../../src/console/page/words/evidence.ts'
import { textOf } from '../../../src/console/page/words/phrase.ts'
import { type AuditType, auditCatalogue } from '../../../src/watch/index.ts'
import { detailOf } from '../../actors/made-up-console.ts'

const types = Object.keys(auditCatalogue) as AuditType[]

describe('Words for everything that is written down', () => {
  it('T16: every type of the catalogue has a name, and no two the same', () => {
    assert.deepEqual(typeNames.map(([type]) => type).sort(), types.sort())
    assert.equal(new Set(typeNames.map(([, name]) => name)).size, types.length)
  })

  for (const type of types) {
    it(`T16: ${type} is a sentence, with and without its details`, () => {
      for (const detail of [detailOf(type, 'billing'), {}]) {
        const text = textOf(sentenceOf({ type, detail }))
        assert.match(text, /^[A-Z\d?b]/)
        assert.doesNotMatch(text, /undefined|null|\[object/)
      }
    })
  }

  it('T18: what comes from outside stays apart from our words', () => {
    const evil = '</p><script>1</script>'
    const parts = sentenceOf({ type: 'operator.acted', detail: { operation: 'end-user', target: evil, by: evil } })
    assert.deepEqual(parts, [{ user: evil }, ' ended ', 'all sessions of ', { user: evil }])
    assert.deepEqual(sentenceOf({ type: evil as AuditType, detail: {} }), ['Something happened: ', { raw: evil }])
    const odd = sentenceOf({ type: 'session.ended', detail: { reason: 'constructor' } })
    assert.deepEqual(odd, ['The session ended: ', { raw: 'constructor' }])
    assert.equal(
      textOf(sentenceOf({ type: 'constructor' as AuditType, detail: {} })),
      'Something happened: constructor',
    )
  })

  it('what became no alert is told apart from what did', () => {
    const said = (alert: string | null) =>
      textOf(sentenceOf({ type: 'detector.hit', detail: { detector: 'impossible-travel', alert, evidence: {} } }))
    assert.equal(said('a1'), 'Noticed: impossible travel')
    assert.equal(said(null), 'Noticed, and only written down: impossible travel')
  })

  it('every detector has words, and an unknown one has none', () => {
    for (const name of detectorNames) {
      const words = detectorWords(name)
      assert.ok(words)
      for (const text of [words.sees, words.harmless, words.advice]) assert.match(text, /^[A-Z].*\.$/)
    }
    assert.equal(titleOf('toString'), null)
  })

  it('every detector is a section of the manual', { skip: !existsSync('docs/detectors.md') }, () => {
    const manual = readFileSync('docs/detectors.md', 'utf8')
    assert.deepEqual(
      detectorNames.filter(name => !manual.includes(name)),
      [],
    )
  })

  it('evidence is told with labels and units', () => {
    assert.deepEqual(
      factsOf({
        failedSignIns: 1_418,
        minutes: 10,
        agents: ['a', 'b'],
        isOtherAgent: false,
        asn: null,
        reason: 'idle',
      }),
      [
        { name: 'failedSignIns', label: 'Failed sign ins', values: ['1,418'] },
        { name: 'minutes', label: 'Within', values: ['10 min'] },
        { name: 'agents', label: 'Agents', values: ['a', 'b'] },
        { name: 'isOtherAgent', label: 'Another program', values: ['no'] },
        { name: 'reason', label: 'Had ended because', values: ['nobody used it for too long'] },
      ],
    )
  })
})
