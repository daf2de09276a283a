import assert from 'node:assert/strict'
import { it } from 'node:test'
import { openGrades } from '../../app/grades.ts'
import { describeOnEveryDatabase } from './every-database.ts'

describeOnEveryDatabase('Published grades', newPlace => {
  it('TA-5: of 20 at once that would replace the same edition, one does', async () => {
    const place = await newPlace()
    const [one, two] = [openGrades(await place.open(), () => 7), openGrades(await place.open(), () => 8)]
    assert.equal(await one.latest(), null)
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, nth) => (nth % 2 ? one : two).publish(0, { ada: 'A' }, `by ${nth}`)),
    )
    assert.equal(results.filter(Boolean).length, 1)
    const latest = await two.latest()
    assert.equal(latest?.edition, 1)
    assert.deepEqual(latest?.grades, { ada: 'A' })
    assert.equal(await one.publish(1, { ada: 'B' }, 'x'), true)
    assert.deepEqual((await one.latest())?.grades, { ada: 'B' })
  })
})
