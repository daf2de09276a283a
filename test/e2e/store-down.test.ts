import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { it } from 'node:test'
import type { Page } from 'playwright-core'
import { openCampus, password } from '../app/open-campus.ts'
import { describeInChromium } from './chromium.ts'
import { addBook, cartOf, sessionCookie, signIn, signOut, tokenOf, whoAmI } from './page.ts'
import { underItsName } from './sites.ts'

const campus = await openCampus('--store', 'sqlite:sessions.db')

/** What somebody else at the session database may do to it, and how they undo it: a backup that hangs, a wrong migration. */
const troubles = {
  locked: ['BEGIN IMMEDIATE', 'ROLLBACK'],
  'without its table': ['ALTER TABLE records RENAME TO mislaid', 'ALTER TABLE mislaid RENAME TO records'],
} as const

async function whileDatabaseIs(trouble: keyof typeof troubles, work: () => Promise<void>): Promise<void> {
  const [begin, undo] = troubles[trouble]
  const other = new DatabaseSync(join(campus.directory, 'sessions.db'))
  other.exec(begin)
  try {
    await work()
  } finally {
    other.exec(undo)
    other.close()
  }
}

describeInChromium('A broken session store, seen from the browser', underItsName(campus.origin), open => {
  it('T17, ASVS 16.5.3: pages say that Campus cannot answer, and the user is still signed in afterwards', async () => {
    const page = await open()
    await addBook(page, 'Grace Period', 2)
    await signIn(page)
    const token = await tokenOf(page)
    await whileDatabaseIs('without its table', async () => {
      for (const path of ['/', '/dashboard', '/profile', '/shop', '/login']) {
        const answer = await page.goto(path)
        assert.deepEqual([answer?.status(), answer?.headers()['retry-after']], [503, '1'], path)
        await saysSo(page)
      }
      await page.goto('/dashboard')
    })
    assert.equal(await tokenOf(page), token)
    await page.reload()
    assert.equal(await page.getByRole('heading', { level: 1 }).innerText(), 'Hello, student123')
    assert.deepEqual(await cartOf(page), { 'Grace Period': 2 })
  })

  it('T17: a sign-out that cannot be written says so, and works at the second try', async () => {
    const page = await open()
    await signIn(page)
    await whileDatabaseIs('locked', async () => {
      await page.getByRole('banner').getByRole('button', { name: 'Sign out' }).click()
      await saysSo(page)
      assert.equal(await page.getByText('Logged out').count(), 0)
      assert.equal((await page.goto('/healthz'))?.status(), 503)
    })
    assert.equal(await whoAmI(page), 'student123')
    await page.goto('/dashboard')
    await signOut(page)
    assert.equal(await whoAmI(page), null)
  })

  it('T17: a sign-in that cannot be written signs nobody in', async () => {
    const page = await open()
    await page.goto('/login')
    await whileDatabaseIs('locked', async () => {
      await page.getByLabel('User name').fill('student123')
      await page.getByLabel('Password').fill(password)
      await page.getByRole('button', { name: 'Sign in', exact: true }).click()
      await saysSo(page)
    })
    assert.equal(await sessionCookie(page), undefined)
    assert.equal(await whoAmI(page), null)
  })
})

async function saysSo(page: Page): Promise<void> {
  await page.getByRole('heading', { name: 'Campus cannot answer right now' }).waitFor()
  assert.equal(await page.getByText('Please login').count(), 0)
}
