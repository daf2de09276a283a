import assert from 'node:assert/strict'
import { password } from './open-campus.ts'
import type { Answer, Visitor } from './visitor.ts'

/** A form whose page to confirm it has come. */
export interface Asked {
  readonly answer: Answer
  /** The hidden fields of the page, without the CSRF token: what brings the data back. */
  readonly fields: Record<string, string>
  /** The page's CSRF token. */
  readonly token: string
}

/** Sends a form and gets the page that asks to confirm it. */
export async function ask(visitor: Visitor, path: string, fields: Record<string, string>): Promise<Asked> {
  const answer = await visitor.submit(path, fields)
  assert.equal(answer.status, 200, answer.text)
  return { answer, ...hiddenIn(answer.text, `${path}/confirm`) }
}

/** Confirms what was asked, with the password; `changed` fields take the place of those of the page. */
export function confirm(
  visitor: Visitor,
  path: string,
  { fields, token }: Asked,
  changed: Record<string, string> = {},
): Promise<Answer> {
  return post(visitor, `${path}/confirm`, { ...fields, csrf_token: token, password, ...changed })
}

/** Sends exactly these fields. */
export function post(visitor: Visitor, path: string, fields: Record<string, string>): Promise<Answer> {
  const headers = {
    'sec-fetch-site': 'same-origin',
    'content-type': 'application/x-www-form-urlencoded',
  }
  return visitor.send('POST', path, headers, new URLSearchParams(fields).toString())
}

/** The same confirmation so many times at once, as an impatient finger or a thief beside the owner would. */
export function confirmAtOnce(visitor: Visitor, path: string, asked: Asked, times: number): Promise<Answer[]> {
  return Promise.all(Array.from({ length: times }, () => confirm(visitor, path, asked)))
}

/** What a page says, without what is different each time. */
export function said({ status, text }: Answer): readonly [number, string] {
  const main = /<main[\s\S]*<\/main>/.exec(text)?.[0] ?? text
  return [status, main.replaceAll(/value="[^"]*"/g, '')]
}

function hiddenIn(text: string, action: string): Pick<Asked, 'fields' | 'token'> {
  const form = text.split(`action="${action}"`)[1]?.split('</form>')[0]
  assert.ok(form, `a form for ${action}`)
  const all = [...form.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)]
  const { csrf_token: token = '', ...fields } = Object.fromEntries(all.map(([, name, value]) => [name, value]))
  return { fields, token }
}
