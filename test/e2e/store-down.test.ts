import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { it } from 'node:test'
import type { Page } from 'playwright-core'
import { openCampus } from '../app/open-campus.ts'
import { describeInChromium } from './chromium.ts'
import { addBook, cartOf, signIn, signOut, tokenOf, whoAmI } from './page.ts'
import { underItsName } from './sites.ts'

const campus = await openCampus('--store', 'sqlite:sessions.db')

/** Somebody else at the session database: another process, a backup, an administrator. */
async function whileDatabaseIs(state: 'locked' | 'without its table', work: () => Promise<void>): Promise<void> {
  const other = new DatabaseSync(join(campus.directory, 'sessions.db'))
  try {
    if (state === 'locked') {
      other.exec('BEGIN IMMEDIATE')
      await work()
      other.exec('ROLLBACK')
    } else {
      other.exec('ALTER TABLE sessions RENAME TO mislaid')
      await work()
      other.exec('ALTER TABLE mislaid RENAME TO sessions')
    }
  } finally {
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
      assert.equal((await page.goto('/healthz'))?.status(), 503)
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
      await signIn(page).catch(() => {})
    })
    assert.equal(await whoAmI(page), null)
  })
})

async function saysSo(page: Page): Promise<void> {
  await page.getByRole('heading', { name: 'Campus cannot answer right now' }).waitFor()
  assert.equal(await page.getByText('Please login').count(), 0)
}
