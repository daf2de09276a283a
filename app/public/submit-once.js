/*
 * Sends a form once. The second click of a double click would send it again, and the browser then throws away the answer to
 * the first one: with it goes the new cookie, the only one that is good after a step-up or a sign-in, and the user is
 * signed out. In the head and not deferred: no form may be there before it is.
 */

/** Nobody double-clicks so slowly. By then the request was stopped or lost, and its form must not stay dead. */
const longestAnswerMs = 15_000

function rearm(form) {
  delete form.dataset.sent
  for (const button of form.querySelectorAll('button')) button.removeAttribute('aria-disabled')
}

// On the window, so that what the page's own scripts prevent was prevented by then.
addEventListener('submit', event => {
  const form = event.target
  if (event.defaultPrevented) return
  if (form.dataset.sent !== undefined) return event.preventDefault()
  form.dataset.sent = ''
  // Never `disabled`: a disabled button loses the focus, and what it would have sent.
  for (const button of form.querySelectorAll('button')) button.setAttribute('aria-disabled', 'true')
  setTimeout(rearm, longestAnswerMs, form)
})

// The memory for the back button brings pages back as they were left.
addEventListener('pageshow', ({ persisted }) => {
  if (persisted) for (const form of document.querySelectorAll('form[data-sent]')) rearm(form)
})
