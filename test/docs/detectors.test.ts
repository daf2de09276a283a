/** docs/detectors.md says of every detector what the detector says of itself. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { detectors } from '../../src/watch/detectors/start-detectors.ts'

const page = readFileSync(new URL('../../docs/detectors.md', import.meta.url), 'utf8')

/** The section of a detector, as it has to be. */
export function sectionOf({
  name,
  sees,
  falseAlarms,
  tuning,
  defaults,
}: (typeof detectors)[keyof typeof detectors]): string {
  const options = Object.entries(defaults).map(([option, value]) => {
    const text = typeof value === 'string' ? `'${value}'` : String(value)
    return `\`${option}: ${text}\``
  })
  return [
    `### ${name}`,
    sees,
    `**False alarms.** ${falseAlarms}`,
    `**Tuning.** ${tuning}`,
    ...(options.length > 0 ? [`Defaults: ${options.join(', ')}.`] : []),
  ].join('\n\n')
}

describe('docs/detectors.md', () => {
  for (const detector of Object.values(detectors)) {
    it(`has the section of ${detector.name}`, () => {
      const section = sectionOf(detector)
      assert.ok(page.includes(section), `Put this into docs/detectors.md:\n\n${section}\n`)
    })
  }

  it('has no section of a detector that there is not', () => {
    const sections = [...page.matchAll(/^### (.+)$/gm)].map(([, name]) => name)
    assert.deepEqual(sections.sort(), Object.keys(detectors).sort())
  })
})
