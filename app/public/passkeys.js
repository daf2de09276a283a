/*
 * Asks the browser for a passkey when one of our buttons is pressed, and sends its form with the answer. Without this
 * script, or in a browser without passkeys, the buttons stay hidden.
 */
const known = globalThis.PublicKeyCredential
const isAble = known?.parseRequestOptionsFromJSON && known.parseCreationOptionsFromJSON

for (const place of isAble ? document.querySelectorAll('[data-passkey]') : []) {
  const button = place.querySelector('button')
  place.hidden = false
  button.addEventListener('click', async () => {
    // Under way already (submit-once.js): a request beside it would come with a cookie that is old by then.
    if (place.closest('form').dataset.sent !== undefined) return
    const problem = place.querySelector('[role="alert"]')
    problem.hidden = true
    button.disabled = true
    try {
      send(place, await ask(place))
    } catch (error) {
      problem.textContent = explained(error)
      problem.hidden = false
    } finally {
      button.disabled = false
    }
  })
}

/** The browser's answer to a challenge of the server. */
async function ask(place) {
  const { passkey: use, challenge } = place.dataset
  const { options, csrf_token } = await fetchOptions(use, challenge, tokenFields()[0]?.value)
  for (const field of tokenFields()) field.value = csrf_token
  const credential =
    use === 'registration'
      ? await navigator.credentials.create({ publicKey: known.parseCreationOptionsFromJSON(options) })
      : await navigator.credentials.get({ publicKey: known.parseRequestOptionsFromJSON(options) })
  return JSON.stringify(credential)
}

async function fetchOptions(use, challenge, token) {
  const answer = await fetch(`/api/passkey/${use}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-csrf-token': token ?? '' },
    body: JSON.stringify(challenge === undefined ? {} : { challenge }),
  })
  const body = await answer.json()
  if (answer.ok) return body
  // A new passkey needs a fresh proof. What was typed is a name: it is soon typed again.
  if (answer.status === 401 && use === 'registration')
    location.assign(`/reauthenticate?returnTo=${encodeURIComponent(location.pathname)}`)
  throw new Error(body.message)
}

/** The fields of all forms of this page: what began a session made their tokens old. */
function tokenFields() {
  return [...document.querySelectorAll('input[name="csrf_token"]')]
}

function send(place, passkey) {
  const form = place.closest('form')
  place.querySelector('input[name="passkey"]').value = passkey
  if (place.dataset.action) form.action = place.dataset.action
  // A passkey stands instead of fields that the form would otherwise want to be filled.
  form.noValidate = true
  form.requestSubmit()
}

function explained(error) {
  if (error.name === 'NotAllowedError') return 'No passkey was used. Please try again, or choose another way.'
  if (error.name === 'InvalidStateError') return 'This device has a passkey for your account already.'
  return error.message
}
