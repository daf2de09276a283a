import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, it } from 'node:test'
import { ask, confirm, confirmAtOnce, post } from './confirming.ts'
import { openCampus, password } from './open-campus.ts'

const path = '/grades'

async function openCourse() {
  const campus = await openCampus()
  const signedIn = async (username: string) => {
    const visitor = campus.visitor()
    assert.equal((await visitor.signIn(username, password)).status, 303)
    return visitor
  }
  const student = await signedIn('student123')
  const gradeOf = async () => /<p class="mark-given">(.)<\/p>/.exec((await student.get(path)).text)?.[1] ?? null
  return { campus, signedIn, student, gradeOf }
}

describe('Grades', () => {
  it('ASVS 7.5.3, TA-6: are published when the instructor has seen and confirmed each of them, and students see their own', async () => {
    const { signedIn, student, gradeOf } = await openCourse()
    const instructor = await signedIn('instructor')
    assert.match((await student.get(path)).text, /There is none yet/)
    const asked = await ask(instructor, path, { grade_student123: 'A', grade_ada: 'F' })
    assert.match(asked.answer.text, /<th scope="row">student123<\/th><td>–<\/td><td><b>A<\/b><\/td>/)
    assert.match(asked.answer.text, /<th scope="row">ada<\/th><td>–<\/td><td><b>F<\/b><\/td>/)
    assert.match(asked.answer.text, /<th scope="row">grace<\/th><td>–<\/td><td>–<\/td>/)
    assert.equal(await gradeOf(), null)
    assert.equal((await confirm(instructor, path, asked)).headers.location, path)
    assert.match((await instructor.get(path)).text, /Published\./)
    const seen = (await student.get(path)).text
    assert.equal(await gradeOf(), 'A')
    assert.doesNotMatch(seen, /ada/)
  })

  it('are nobody else’s business, to see or to publish', async () => {
    const { signedIn, student, gradeOf } = await openCourse()
    const admin = await signedIn('admin')
    assert.equal((await admin.get(path)).status, 403)
    for (const somebody of [admin, student]) {
      assert.equal((await somebody.submit(path, { grade_student123: 'A' }, '/profile')).status, 403)
      const confirmed = await somebody.submit(`${path}/confirm`, { grade_student123: 'A', password }, '/profile')
      assert.equal(confirmed.status, 403)
    }
    assert.equal(await gradeOf(), null)
  })

  it('are refused when they are none', async () => {
    const { signedIn } = await openCourse()
    const instructor = await signedIn('instructor')
    for (const grade of ['E', 'a', 'AA', '<b>', '__proto__']) {
      const { status, text } = await instructor.submit(path, { grade_student123: grade })
      assert.equal(status, 400, grade)
      assert.match(text, /One of these is no grade/)
    }
    assert.equal((await instructor.submit(path, { grade_nobody: 'A', grade___proto__: 'A' })).status, 400)
  })

  it('T12, TA-2: stay as they are when one of them changes after the challenge', async () => {
    const { signedIn, gradeOf } = await openCourse()
    const instructor = await signedIn('instructor')
    for (const changed of [
      { grade_student123: 'A' },
      { grade_ada: '' },
      { grade_grace: 'A' },
      { grade_student123: 'nonsense' },
    ] as Record<string, string>[]) {
      const asked = await ask(instructor, path, { grade_student123: 'F', grade_ada: 'B' })
      assert.equal((await confirm(instructor, path, asked, changed)).status, 403, JSON.stringify(changed))
    }
    assert.equal(await gradeOf(), null)
  })

  it('T12, TA-5: are not overwritten by somebody who has not seen the latest', async () => {
    const { signedIn, gradeOf } = await openCourse()
    const first = await signedIn('instructor')
    const second = await signedIn('instructor')
    const asked = await ask(first, path, { grade_student123: 'F' })
    assert.equal((await confirm(second, path, await ask(second, path, { grade_student123: 'B' }))).status, 303)
    assert.equal((await confirm(first, path, asked)).status, 403)
    assert.equal(await gradeOf(), 'B')
  })

  it('T12, TA-5: nobody publishes who lost the session or skips the step before', async () => {
    const { signedIn, gradeOf } = await openCourse()
    const instructor = await signedIn('instructor')
    assert.equal((await instructor.submit(`${path}/confirm`, { grade_student123: 'A', password }, path)).status, 403)
    const asked = await ask(instructor, path, { grade_student123: 'A' })
    await instructor.submit('/logout', {}, path)
    const { csrf_token, ...fields } = { ...asked.fields, password, csrf_token: asked.token }
    assert.ok([303, 403].includes((await post(instructor, `${path}/confirm`, { ...fields, csrf_token })).status))
    assert.equal(await gradeOf(), null)
  })

  it('T12, TA-5: nobody publishes who lost the role between the two pages', async () => {
    const { campus, signedIn, gradeOf } = await openCourse()
    const instructor = await signedIn('instructor')
    const asked = await ask(instructor, path, { grade_student123: 'A' })
    const database = new DatabaseSync(join(campus.directory, 'campus.db'))
    database.exec("UPDATE campus_users SET role = 'student' WHERE username = 'instructor'")
    database.close()
    assert.equal((await confirm(instructor, path, asked)).status, 403)
    assert.equal(await gradeOf(), null)
  })

  it('T12, TA-5: 50 confirmations at once publish once', async () => {
    const { signedIn, gradeOf } = await openCourse()
    const instructor = await signedIn('instructor')
    const asked = await ask(instructor, path, { grade_student123: 'C' })
    const answers = await confirmAtOnce(instructor, path, asked, 50)
    assert.equal(answers.filter(({ headers }) => headers.location === path).length, 1)
    assert.equal(await gradeOf(), 'C')
    const page = (await instructor.get(path)).text
    assert.match(page, /Published by instructor/)
    assert.doesNotMatch(page, /time by/)
  })
})
