import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { books } from '../../app/books.ts'
import { openSqlite } from '../../app/sqlite-database.ts'
import { openUsers } from '../../app/users.ts'
import { openCampus, password } from './open-campus.ts'
import type { Answer } from './visitor.ts'

const minute = 60_000
const campus = await openCampus()
const sid = '__Host-Http-sid'
const sessionCookieOf = (answer: Answer) =>
  (answer.headers['set-cookie'] ?? []).find(line => line.startsWith(`${sid}=`))

describe('Campus for people', () => {
  const signedIn = async () => {
    const visitor = campus.visitor()
    assert.equal((await visitor.signIn('student123', password)).status, 303)
    return visitor
  }

  describe('the front door', () => {
    it('asks a guest to sign in, and sets no cookie for looking', async () => {
      const answer = await campus.visitor().get('/')
      assert.equal(answer.status, 200)
      assert.match(answer.text, /<h1>Hello! Please login<\/h1>/)
      assert.equal(answer.headers['set-cookie'], undefined)
    })

    it('welcomes a user', async () => {
      const { text } = await (await signedIn()).get('/')
      assert.match(text, /Welcome back, student123! \(Session Active\)/)
    })
  })

  describe('signing in', () => {
    it('sets the cookie that makes browsers forget pages with every page that finds a session over, another one each time', async () => {
      const cookiesOf = (answer: Answer) => [answer.headers['set-cookie'] ?? []].flat()
      const visitor = await signedIn()
      assert.deepEqual(cookiesOf(await visitor.get('/')), [])
      campus.pass(15 * 60_000)
      const values = new Set<string>()
      for (const path of ['/', '/login', '/shop', '/login?returnTo=%2Fdashboard']) {
        campus.pass(1)
        const [line = '', ...others] = cookiesOf(await visitor.get(path))
        assert.match(
          line,
          /^__Host-Http-forget-pages=\d+; Max-Age=60; Path=\/; Expires=[^;]+; HttpOnly; Secure; SameSite=Lax$/,
        )
        assert.deepEqual(others, [])
        values.add(line.split(';', 1)[0] ?? '')
      }
      assert.equal(values.size, 4)
    })

    it('sets no cookie for somebody who has none', async () => {
      for (const path of ['/', '/login', '/shop'])
        assert.equal((await campus.visitor().get(path)).headers['set-cookie'], undefined)
    })

    it('answers a wrong password with 401, keeps the name and where the visitor wanted to go', async () => {
      const visitor = campus.visitor()
      const answer = await visitor.submit('/login', { username: 'admin', password: 'wrong', returnTo: '/profile' })
      assert.equal(answer.status, 401)
      assert.match(answer.text, /Invalid credentials!/)
      assert.match(answer.text, /name="username" value="admin"/)
      assert.match(answer.text, /name="returnTo" value="\/profile"/)
      assert.doesNotMatch(answer.text, /wrong/)
      assert.equal(visitor.cookies.size, 0)
    })

    it('CS-A2: says exactly the same about an account that does not exist', async () => {
      const say = async (username: string) => {
        const { status, text } = await campus.visitor().submit('/login', { username, password: 'wrong' })
        return [status, text.replaceAll(/value="[^"]*"|csrfToken&quot;:&quot;[\w-]+/g, '')]
      }
      assert.deepEqual(await say('instructor'), await say('nobody'))
    })

    it('sends a user to the dashboard with 303 and a cookie that ends with the browser', async () => {
      const answer = await campus.visitor().signIn('student123', password)
      assert.equal(answer.status, 303)
      assert.equal(answer.headers.location, '/dashboard')
      assert.match(sessionCookieOf(answer) ?? '', /^__Host-Http-sid=[^;]+; Path=\/; Secure; HttpOnly; SameSite=Lax$/)
    })

    it('keeps a user who asked for it', async () => {
      const answer = await campus.visitor().signIn('student123', password, { remember: 'on' })
      assert.match(sessionCookieOf(answer) ?? '', /; Max-Age=\d+;/)
    })

    it('takes a name as it was typed by a phone', async () => {
      assert.equal((await campus.visitor().signIn(' Student123 ', password)).status, 303)
    })

    const destinations: [name: string, returnTo: string, location: string][] = [
      ['a page of ours', '/shop?x=1', '/shop?x=1'],
      ['another site', 'https://evil.example/', '/dashboard'],
      ['another site without scheme', '//evil.example/', '/dashboard'],
      ['another site with a backslash', '/\\evil.example', '/dashboard'],
      ['a script', 'javascript:alert(1)', '/dashboard'],
    ]
    for (const [name, returnTo, location] of destinations) {
      it(`ASVS 3.7.2: returns to ${name} ${returnTo === location ? 'as asked' : 'never'}`, async () => {
        const answer = await campus.visitor().signIn('student123', password, { returnTo })
        assert.equal(answer.headers.location, location)
      })
    }

    it('lets nobody else sign a visitor in: a form from another site gets 403 (login CSRF)', async () => {
      const answer = await campus.visitor().send(
        'POST',
        '/login',
        {
          'content-type': 'application/x-www-form-urlencoded',
          'sec-fetch-site': 'cross-site',
          origin: 'https://evil.example',
        },
        new URLSearchParams({ username: 'student123', password }).toString(),
      )
      assert.equal(answer.status, 403)
      assert.equal(answer.headers['set-cookie'], undefined)
      assert.match(answer.text, /another site/)
    })

    it('many at once from one place all succeed', async () => {
      const answers = await Promise.all(
        Array.from({ length: 12 }, () => campus.visitor().signIn('instructor', password)),
      )
      assert.deepEqual(
        answers.map(answer => answer.status),
        Array(12).fill(303),
      )
    })
  })

  describe('the dashboard', () => {
    it('sends a guest to the sign-in, and back afterwards', async () => {
      const visitor = campus.visitor()
      const answer = await visitor.get('/dashboard?a=1')
      assert.equal(answer.status, 303)
      assert.equal(answer.headers.location, '/login?returnTo=%2Fdashboard%3Fa%3D1')
      const form = await visitor.get(answer.headers.location ?? '')
      assert.match(form.text, /name="returnTo" value="\/dashboard\?a=1"/)
    })

    it("greets the user and shows the session's times, to nobody's cache", async () => {
      const visitor = await signedIn()
      campus.pass(1)
      const answer = await visitor.get('/dashboard')
      assert.equal(answer.status, 200)
      assert.match(answer.text, /Hello, student123/)
      for (const label of [
        'Started',
        'Last sign-in',
        'Ends when unused',
        'Ends in any case',
        'Level 1 of 3, by password',
      ]) {
        assert.ok(answer.text.includes(label), label)
      }
      // Of 8 hours, a moment is over: what is shown is never longer than what is left. The 15 minutes have just begun anew.
      assert.match(answer.text, />in 1[45] minutes</)
      assert.match(answer.text, />in 7 h 59 min</)
      assert.equal(answer.headers['cache-control'], 'no-store')
    })
  })

  describe('signing out', () => {
    it('asks first: GET ends nothing', async () => {
      const visitor = await signedIn()
      const page = await visitor.get('/logout')
      assert.match(page.text, /<form method="post" action="\/logout"/)
      assert.equal((await visitor.get('/dashboard')).status, 200)
    })

    it('ends the session for good', async () => {
      const visitor = await signedIn()
      const token = visitor.cookies.get(sid) ?? ''
      const answer = await visitor.submit('/logout', {})
      assert.equal(answer.status, 200)
      assert.match(answer.text, /Logged out\./)
      assert.match(answer.text, /<a [^>]*href="\/"[^>]*>Home<\/a>/)
      assert.equal(visitor.cookies.has(sid), false)
      visitor.cookies.set(sid, token)
      assert.equal((await visitor.get('/dashboard')).status, 303)
    })

    it('ASVS 7.4.4: is on every page of a user', async () => {
      const visitor = await signedIn()
      for (const path of [
        '/',
        '/dashboard',
        '/profile',
        '/shop',
        '/login',
        '/logout',
        '/inspect_headers',
        '/no-such-page',
      ]) {
        const { text } = await visitor.get(path)
        assert.match(text, /action="\/logout"[\s\S]*>Sign out</, path)
      }
    })
  })

  describe('the profile', () => {
    it('is only for users', async () => {
      const visitor = campus.visitor()
      assert.equal((await visitor.get('/profile')).headers.location, '/login?returnTo=%2Fprofile')
      assert.equal((await visitor.submit('/profile', { about_me: 'x' }, '/login')).headers.location, '/login')
    })

    it('keeps and shows what a user writes, as text', async () => {
      const visitor = await signedIn()
      const answer = await visitor.submit('/profile', { about_me: '<script>alert("hi")</script>\r\n& more' })
      assert.equal(answer.headers.location, '/profile')
      const { text } = await visitor.get('/profile')
      assert.match(text, /&lt;script&gt;alert\(&quot;hi&quot;\)&lt;\/script&gt;\n&amp; more/)
      assert.doesNotMatch(text, /<script>/)
    })

    it('says once that it was saved, and never because an address says so', async () => {
      const visitor = await signedIn()
      assert.doesNotMatch((await visitor.get('/profile?saved=yes')).text, /Saved\./)
      await visitor.submit('/profile', { about_me: 'I study.' })
      assert.match((await visitor.get('/profile')).text, /Saved\./)
      assert.doesNotMatch((await visitor.get('/profile')).text, /Saved\./)
    })

    it('does not say to one user that another one has saved', async () => {
      const visitor = await signedIn()
      await visitor.submit('/profile', { about_me: 'I study.' })
      await visitor.signIn('instructor', password)
      assert.doesNotMatch((await visitor.get('/profile')).text, /Saved\./)
    })

    it('refuses a text that is too long, and does not throw it away', async () => {
      const visitor = await signedIn()
      const answer = await visitor.submit('/profile', { about_me: 'y'.repeat(2_001) })
      assert.equal(answer.status, 400)
      assert.match(answer.text, /y{2001}/)
    })

    it('is changed by nobody without the token', async () => {
      const visitor = await signedIn()
      const form = { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin' }
      const answer = await visitor.send('POST', '/profile', form, 'about_me=forged')
      assert.equal(answer.status, 403)
      assert.doesNotMatch((await visitor.get('/profile')).text, /forged/)
    })
  })

  describe('the shop', () => {
    const [first, second] = books
    assert.ok(first && second)
    const line = (isbn: string, quantity: number) => `data-isbn="${isbn}" data-quantity="${quantity}"`

    it("keeps a guest's cart through sign-in, under another token", async () => {
      const visitor = campus.visitor()
      const answer = await visitor.submit('/shop/cart', { isbn: first.isbn, quantity: '2' }, '/shop')
      assert.equal(answer.status, 303)
      assert.equal(answer.headers.location, '/shop#cart')
      await visitor.submit('/shop/cart', { isbn: second.isbn, quantity: '1' }, '/shop')
      const guestToken = visitor.cookies.get(sid)
      await visitor.signIn('student123', password)
      assert.notEqual(visitor.cookies.get(sid), guestToken)
      const { text } = await visitor.get('/shop')
      assert.ok(text.includes(line(first.isbn, 2)))
      assert.ok(text.includes(line(second.isbn, 1)))
    })

    it('does not hand a cart on to the next user of the same browser', async () => {
      const visitor = await signedIn()
      await visitor.submit('/shop/cart', { isbn: first.isbn, quantity: '3' }, '/shop')
      await visitor.signIn('instructor', password)
      assert.doesNotMatch((await visitor.get('/shop')).text, /data-isbn/)
    })

    it('adds copies and takes them out again', async () => {
      const visitor = campus.visitor()
      await visitor.submit('/shop/cart', { isbn: first.isbn, quantity: '2' }, '/shop')
      await visitor.submit('/shop/cart', { isbn: first.isbn, quantity: '3' }, '/shop')
      assert.ok((await visitor.get('/shop')).text.includes(line(first.isbn, 5)))
      await visitor.submit('/shop/cart/remove', { isbn: first.isbn, quantity: '1' }, '/shop')
      assert.ok((await visitor.get('/shop')).text.includes(line(first.isbn, 4)))
      await visitor.submit('/shop/cart/remove', { isbn: first.isbn, quantity: '4' }, '/shop')
      assert.doesNotMatch((await visitor.get('/shop')).text, /data-isbn/)
    })

    const refused: [name: string, fields: Record<string, string>, status: number][] = [
      ['a book that is not there', { isbn: '9783161484100', quantity: '1' }, 404],
      ['no book', { quantity: '1' }, 400],
      ['no quantity', { isbn: first.isbn }, 400],
      ['zero copies', { isbn: first.isbn, quantity: '0' }, 400],
      ['fewer than no copies', { isbn: first.isbn, quantity: '-1' }, 400],
      ['half a copy', { isbn: first.isbn, quantity: '0.5' }, 400],
      ['too many copies', { isbn: first.isbn, quantity: '21' }, 400],
      ['copies in words', { isbn: first.isbn, quantity: 'two' }, 400],
    ]
    for (const [name, fields, status] of refused) {
      it(`answers ${name} with ${status} and a page that helps`, async () => {
        const answer = await campus.visitor().submit('/shop/cart', fields, '/shop')
        assert.equal(answer.status, status)
        assert.match(answer.text, /<h1>.+<\/h1>[\s\S]*href="\/">Home</)
        assert.equal(answer.headers['set-cookie'], undefined)
      })
    }
  })

  describe('the colours', () => {
    it('follow the choice of a guest, on every page, and come back to where it was made', async () => {
      const visitor = campus.visitor()
      const answer = await visitor.submit('/preferences', { theme: 'dark', returnTo: '/shop' }, '/shop')
      assert.equal(answer.status, 303)
      assert.equal(answer.headers.location, '/shop')
      assert.match((await visitor.get('/')).text, /<html lang="en" data-theme="dark">/)
    })

    it('survive sign-in', async () => {
      const visitor = campus.visitor()
      await visitor.submit('/preferences', { theme: 'light' }, '/')
      await visitor.signIn('admin', password)
      assert.match((await visitor.get('/')).text, /data-theme="light"/)
    })

    it('are one of three', async () => {
      assert.equal((await campus.visitor().submit('/preferences', { theme: '"><script>' }, '/')).status, 400)
    })

    it('ASVS 3.7.2: lead to no other site', async () => {
      const answer = await campus
        .visitor()
        .submit('/preferences', { theme: 'dark', returnTo: 'https://evil.example' }, '/')
      assert.equal(answer.headers.location, '/')
    })
  })

  describe('the headers page', () => {
    it('sets its demo cookie exactly so', async () => {
      const answer = await campus.visitor().get('/inspect_headers')
      const [cookie = ''] = answer.headers['set-cookie'] ?? []
      const [pair, ...attributes] = cookie.split('; ')
      assert.equal(pair, 'inspect_demo=1')
      assert.deepEqual(attributes.filter(text => !text.startsWith('Expires=')).sort(), [
        'HttpOnly',
        'Max-Age=300',
        'Path=/',
        'SameSite=Lax',
        'Secure',
      ])
    })

    it('shows the headers, with the session token and the CSRF token covered', async () => {
      const visitor = await signedIn()
      await visitor.get('/inspect_headers')
      const token = visitor.cookies.get(sid) ?? ''
      const csrf = JSON.parse((await visitor.get('/csrf-token')).text).csrf_token
      const { text } = await visitor.get('/inspect_headers', { 'x-csrf-token': csrf, 'x-note': 'a <b> note' })
      assert.match(text, /__Host-Http-sid=••••••••; inspect_demo=1/)
      assert.match(text, /content-security-policy/)
      assert.match(text, /a &lt;b&gt; note/)
      assert.ok(!text.includes(token) && !text.includes(csrf))
      assert.ok(!text.includes(token.split('.')[1] ?? ''))
    })
  })

  it('ASVS 7.4.2: a disabled account has no session any more, on any page', async () => {
    const visitor = campus.visitor()
    await visitor.signIn('instructor', password)
    const database = openSqlite(join(campus.directory, 'campus.db'))
    const users = await openUsers(database)
    await users.setDisabled('instructor', true)
    assert.match((await visitor.get('/')).text, /Hello! Please login/)
    assert.equal((await visitor.signIn('instructor', password)).status, 401)
    await users.setDisabled('instructor', false)
    await database.close()
    assert.match((await visitor.get('/')).text, /Hello! Please login/, 'the session stays ended')
  })

  it('ASVS 7.3.1: whoever is idle too long has to sign in again', async () => {
    const visitor = await signedIn()
    campus.pass(14 * minute)
    assert.equal((await visitor.get('/dashboard')).status, 200)
    campus.pass(16 * minute)
    assert.equal((await visitor.get('/dashboard')).status, 303)
  })

  it('ASVS 3.4: every page carries the headers that tell browsers what it never does', async () => {
    for (const path of ['/', '/assets/base.css', '/no-such-page', '/healthz']) {
      const { headers } = await campus.visitor().get(path)
      assert.match(String(headers['content-security-policy']), /^default-src 'none'/, path)
      assert.match(headers['strict-transport-security'] ?? '', /max-age=31536000/, path)
      assert.equal(headers['x-content-type-options'], 'nosniff', path)
      assert.equal(headers['x-powered-by'], undefined, path)
    }
  })

  it('no page has a script or a style in it: both are files of ours', async () => {
    const visitor = await signedIn()
    for (const path of ['/', '/dashboard', '/profile', '/shop', '/logout', '/inspect_headers']) {
      const { text } = await visitor.get(path)
      assert.doesNotMatch(
        text,
        /<script(?!(?: type="module")? src="\/assets\/[\w./-]+"[^>]*><\/script>)|<style|\sstyle=|\son[a-z]+=/i,
        path,
      )
    }
  })
})
