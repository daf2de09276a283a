import assert from 'node:assert/strict'
import type { Cookie, Page } from 'playwright-core'
import { password } from '../app/open-campus.ts'

export { runScript } from './chromium.ts'

/** The name of Campus's session cookie. */
export const cookieName = '__Host-Http-sid'

/** Fills in the sign-in form, wherever it is, and waits until it is gone. */
export async function signIn(page: Page, username = 'student123', ticks: { remember?: boolean } = {}): Promise<void> {
  if (new URL(page.url(), 'https://nowhere').pathname !== '/login') await page.goto('/login')
  await page.getByLabel('User name').fill(username)
  await page.getByLabel('Password').fill(password)
  if (ticks.remember) await page.getByLabel('Keep me signed in').check()
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  await page.waitForURL(url => url.pathname !== '/login')
}

/** Presses "Sign out" in the head of the page. */
export async function signOut(page: Page): Promise<void> {
  await page.getByRole('banner').getByRole('button', { name: 'Sign out' }).click()
  await page.getByRole('heading', { name: 'Logged out.' }).waitFor()
}

/** The session cookie as the browser keeps it, or `undefined`. */
export async function sessionCookie(page: Page): Promise<Cookie | undefined> {
  return (await page.context().cookies()).find(cookie => cookie.name === cookieName)
}

/** What a thief would copy: the value of the session cookie. */
export async function tokenOf(page: Page): Promise<string> {
  const cookie = await sessionCookie(page)
  assert.ok(cookie, 'there is a session cookie')
  return cookie.value
}

/** What Campus answers to programs at an address, read off the screen. */
export async function readJson(page: Page, path: string): Promise<object> {
  await page.goto(path)
  const answer: unknown = JSON.parse(await page.locator('pre').innerText())
  assert.ok(typeof answer === 'object' && answer !== null)
  return answer
}

/** Who Campus takes this browser for, asked in a tab of its own; `null` is a guest. Asking is not activity. */
export async function whoAmI(page: Page): Promise<string | null> {
  const tab = await page.context().newPage()
  const answer = await readJson(tab, '/api/check_session')
  await tab.close()
  assert.ok('is_authenticated' in answer)
  if (answer.is_authenticated === false) return null
  assert.ok('user' in answer && typeof answer.user === 'object' && answer.user && 'username' in answer.user)
  return String(answer.user.username)
}

/** Puts books into the cart by the form in the shop. */
export async function addBook(page: Page, title: string, copies: number): Promise<void> {
  await page.goto('/shop')
  const book = page.getByRole('listitem').filter({ has: page.getByRole('heading', { name: title }) })
  await book.getByLabel(`Copies of ${title}`).fill(String(copies))
  await Promise.all([page.waitForEvent('load'), book.getByRole('button', { name: 'Add' }).click()])
}

/** What is in the cart: copies by title. */
export async function cartOf(page: Page): Promise<Record<string, number>> {
  await page.goto('/shop')
  const lines = await page.locator('#cart li').all()
  const entries = lines.map(async line => {
    const [title = ''] = (await line.locator('.name').innerText()).split('\n')
    return [title, Number(await line.getAttribute('data-quantity'))] as const
  })
  return Object.fromEntries(await Promise.all(entries))
}

/** Chooses the colours in the foot of the page. */
export async function chooseTheme(page: Page, name: 'Light' | 'Dark' | 'Like my device'): Promise<void> {
  await Promise.all([page.waitForEvent('load'), page.getByRole('button', { name, exact: true }).click()])
}
