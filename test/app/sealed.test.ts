import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { openCampus, password } from './open-campus.ts'

describe('Campus with sealed cookies', async () => {
  const campus = await openCampus('--store', 'sealed:')

  it('signs in and out, and keeps the cart', async () => {
    const visitor = campus.visitor()
    assert.equal((await visitor.signIn('student123', password)).status, 303)
    assert.match((await visitor.get('/')).text, /Welcome back, student123!/)
    const [isbn = ''] = /(?<=name="isbn" value=")[^"]+/.exec((await visitor.get('/shop')).text) ?? []
    for (const quantity of ['1', '2']) await visitor.submit('/shop/cart', { isbn, quantity }, '/shop')
    assert.match((await visitor.get('/dashboard')).text, /3 (books|copies)/)
    await visitor.submit('/logout', {})
    assert.doesNotMatch((await visitor.get('/')).text, /Welcome back/)
  })

  it('says why it cannot list devices', async () => {
    const visitor = campus.visitor()
    await visitor.signIn('student123', password)
    const { status, text } = await visitor.get('/devices')
    assert.equal(status, 200)
    assert.match(text, /keeps your session in your browser.s cookie and nowhere else, so there is no list/)
    assert.match(text, /ends by itself after 15 minutes/)
  })
})

describe('Campus with sealed cookies and a list', async () => {
  const campus = await openCampus('--store', 'sealed:sqlite:sessions.db')

  it('lists devices, and ends them', async () => {
    const [here, there] = [campus.visitor(), campus.visitor()]
    for (const visitor of [here, there]) await visitor.signIn('student123', password)
    assert.match((await here.get('/devices')).text, /one other place/)
    assert.equal((await here.submit('/devices/end-others', {}, '/devices')).status, 303)
    assert.equal((await there.get('/devices')).status, 303)
    assert.equal((await here.get('/devices')).status, 200)
  })
})
