/** What can be asked for with GET, by who asks. A test compares it with the routes that Campus has. */
export const addresses = {
  /** Pages for anybody. */
  guest: ['/', '/login', '/logout', '/shop', '/inspect_headers'],
  /** Pages for whoever is signed in. */
  user: [
    '/dashboard',
    '/profile',
    '/devices',
    '/security',
    '/security/app',
    '/messages',
    '/grades',
    '/account/email',
    '/account/password',
  ],
  /** Pages on the way in, for whoever has one more thing to prove. */
  between: ['/login/second-factor', '/reauthenticate'],
  /** Where forms go whose answer is a page: asked for by themselves they lead to the form. */
  forms: [
    '/devices/end',
    '/devices/end-others',
    '/account/email/confirm',
    '/account/password/confirm',
    '/grades/confirm',
  ],
  /** For programs and for scripts of the pages. */
  programs: ['/csrf-token', '/healthz', '/metrics', '/api/check_session', '/api/profile', '/api/session'],
  /** For programs that have tokens instead of cookies. */
  tokens: ['/api/me', '/.well-known/jwks.json'],
  /** Files. */
  files: ['/favicon.ico', '/assets/latchkey/:name'],
} as const
