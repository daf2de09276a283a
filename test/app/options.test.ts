import assert from 'node:assert/strict'
import { resolve } from 'node:path'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { helpText, OptionError, readOptions } from '../../app/options.ts'

const read = (args: string[], environment: Record<string, string> = {}) => {
  const options = readOptions(args, environment)
  assert.notEqual(options, 'help')
  return options as Exclude<typeof options, 'help'>
}

const alertSecret = 'c2VjcmV0IGZvciBhbGVydHMgb2YgdGhpcyB0ZXN0ISE='
const metricsToken = 'wQ3tLr8vXz1nKc5bHs7yJd2mGf4pTa6eUo9iRk0lVxY'

describe('Campus options', () => {
  it('have safe defaults', () => {
    assert.deepEqual(read([]), {
      host: '127.0.0.1',
      port: 8443,
      dataDirectory: resolve('data'),
      store: { kind: 'sqlite', file: resolve('data', 'sessions.db') },
      users: { kind: 'sqlite', file: resolve('data', 'campus.db') },
      policy: {},
      demoPassword: null,
      tls: null,
      trustProxy: false,
      nearCache: false,
      insecureHttp: false,
      secrets: [],
      tokenKeys: null,
      origin: null,
      issuer: 'https://campus.localhost',
      mail: null,
      watch: {
        place: { kind: 'sqlite', file: resolve('data', 'watch.db') },
        onAlert: 'tell',
        learning: '7d',
        webhook: null,
        mailTo: null,
        geo: { city: null, asn: null },
        metricsToken: null,
      },
      environment: 'development',
    })
  })

  const cases: [name: string, args: string[], environment: Record<string, string>, expected: object][] = [
    ['a flag', ['--port', '9000'], {}, { port: 9000 }],
    [
      'its own address, for passkeys and tokens alike',
      ['--origin', 'https://campus.example'],
      {},
      { origin: 'https://campus.example', issuer: 'https://campus.example' },
    ],
    ['a lock instead of an end', ['--idle-lock'], {}, { policy: { atIdle: 'lock' } }],
    ['keys for tokens', [], { TOKEN_KEYS: '{}' }, { tokenKeys: '{}' }],
    ['an environment variable', [], { CAMPUS_PORT: '9001' }, { port: 9001 }],
    ['the flag before the variable', ['--port', '9000'], { CAMPUS_PORT: '9001' }, { port: 9000 }],
    ['an empty variable as not set', [], { CAMPUS_PORT: '' }, { port: 8443 }],
    ['a free port', ['--port', '0'], {}, { port: 0 }],
    ['the memory store', ['--store', 'memory:'], {}, { store: { kind: 'memory' } }],
    [
      'PostgreSQL',
      ['--store', 'postgres://me:secret@db:5432/campus'],
      {},
      { store: { kind: 'postgres', url: 'postgres://me:secret@db:5432/campus' } },
    ],
    [
      'accounts in the PostgreSQL that has the sessions',
      [],
      { CAMPUS_STORE: 'postgres://me:secret@db/campus' },
      { users: { kind: 'postgres', url: 'postgres://me:secret@db/campus' } },
    ],
    [
      'accounts in a file although sessions are in PostgreSQL',
      ['--data', '/d', '--store', 'postgres://db/campus', '--users', 'sqlite:people.db'],
      {},
      { users: { kind: 'sqlite', file: '/d/people.db' } },
    ],
    [
      'accounts in PostgreSQL while sessions are in Redis',
      ['--store', 'redis://cache', '--users', 'postgresql://db/campus'],
      {},
      { store: { kind: 'redis', url: 'redis://cache' }, users: { kind: 'postgres', url: 'postgresql://db/campus' } },
    ],
    ['accounts in a file beside Redis', ['--store', 'redis://cache'], {}, { users: { kind: 'sqlite' } }],
    ['Redis', ['--store', 'rediss://cache:6379'], {}, { store: { kind: 'redis', url: 'rediss://cache:6379' } }],
    [
      'a Redis Cluster',
      ['--store', 'redis-cluster://a:7000,b:7001'],
      {},
      { store: { kind: 'redis-cluster', urls: ['redis://a:7000', 'redis://b:7001'] } },
    ],
    ['the near cache', [], { CAMPUS_NEAR_CACHE: 'true' }, { nearCache: true }],
    [
      'a store inside the data directory',
      ['--data', '/d', '--store', 'file:s/records'],
      {},
      { store: { kind: 'file', directory: '/d/s/records' } },
    ],
    [
      'a store at an absolute path',
      ['--store', 'sqlite:/var/lib/s.db'],
      {},
      { store: { kind: 'sqlite', file: '/var/lib/s.db' } },
    ],
    [
      'a file name that begins with dots',
      ['--data', '/d', '--store', 'sqlite:..s.db'],
      {},
      { store: { kind: 'sqlite', file: '/d/..s.db' } },
    ],
    [
      'the whole policy',
      [
        '--idle-timeout',
        '5m',
        '--absolute-timeout',
        '1.5h',
        '--rotate-every',
        '60s',
        '--grace',
        '500ms',
        '--max-sessions',
        '3',
      ],
      {},
      { policy: { idleTimeout: '5m', absoluteTimeout: '1.5h', rotateEvery: '60s', grace: '500ms', maxSessions: 3 } },
    ],
    [
      'what is switched off',
      [],
      { CAMPUS_ROTATE_EVERY: 'off', CAMPUS_MAX_SESSIONS: 'off' },
      { policy: { rotateEvery: false, maxSessions: false } },
    ],
    ['a number of proxies', ['--trust-proxy', '2'], {}, { trustProxy: 2 }],
    ['addresses of proxies', [], { CAMPUS_TRUST_PROXY: '10.0.0.0/8, ::1' }, { trustProxy: ['10.0.0.0/8', '::1'] }],
    ['plain HTTP by flag', ['--insecure-http'], {}, { insecureHttp: true }],
    ['plain HTTP by variable', [], { CAMPUS_INSECURE_HTTP: 'true' }, { insecureHttp: true }],
    ['not plain HTTP by variable', [], { CAMPUS_INSECURE_HTTP: '0' }, { insecureHttp: false }],
    ['several secrets, newest first', [], { SESSION_SECRET: 'new, old' }, { secrets: ['new', 'old'] }],
    ['production', [], { NODE_ENV: 'production' }, { environment: 'production' }],
    [
      'a certificate with its key',
      ['--tls-cert', '/c', '--tls-key', '/k'],
      {},
      { tls: { certificateFile: '/c', keyFile: '/k' } },
    ],
    [
      'a mail server',
      ['--smtp', 'smtps://me:p%40ss@mail.example:465', '--mail-from', 'Portal@Campus.Example'],
      {},
      { mail: { server: 'smtps://me:p%40ss@mail.example:465', from: 'Portal@campus.example' } },
    ],
    [
      'a mail server alone',
      ['--origin', 'https://campus.example'],
      { CAMPUS_SMTP: 'smtp://localhost' },
      { mail: { server: 'smtp://localhost', from: 'campus@campus.example' } },
    ],
    ['a demo password', [], { CAMPUS_DEMO_PASSWORD: 'correct horse' }, { demoPassword: 'correct horse' }],
    [
      'a watch in the PostgreSQL that has the accounts',
      [],
      { CAMPUS_USERS: 'postgres://me:secret@db/campus' },
      { watch: { place: { kind: 'postgres', url: 'postgres://me:secret@db/campus' } } },
    ],
    [
      'a watch in the PostgreSQL that has the sessions',
      ['--store', 'postgres://db/campus'],
      {},
      { watch: { place: { kind: 'postgres', url: 'postgres://db/campus' } } },
    ],
    [
      'a watch in a file although accounts are in PostgreSQL',
      ['--data', '/d', '--users', 'postgres://db/campus', '--watch', 'sqlite:w/watch.db'],
      {},
      { watch: { place: { kind: 'sqlite', file: '/d/w/watch.db' } } },
    ],
    ['a watch that would act', ['--on-alert', 'dry-run'], {}, { watch: { onAlert: 'dry-run' } }],
    ['a watch that knows everybody', ['--watch-learning', '1s'], {}, { watch: { learning: '1s' } }],
    ['a watch that acts', [], { CAMPUS_ON_ALERT: 'act' }, { watch: { onAlert: 'act' } }],
    [
      'a receiver of alerts',
      ['--alert-webhook', 'https://alerts.example/hook'],
      { ALERT_SECRET: alertSecret },
      { watch: { webhook: { url: 'https://alerts.example/hook', secret: alertSecret } } },
    ],
    ['a secret of alerts without a receiver', [], { ALERT_SECRET: alertSecret }, { watch: { webhook: null } }],
    [
      'a mailbox for alerts',
      ['--smtp', 'smtp://localhost', '--alert-mail', 'Watch@Campus.Example'],
      {},
      { watch: { mailTo: 'Watch@campus.example' } },
    ],
    [
      'databases of places and networks',
      ['--geo-city', '/geo/city.mmdb'],
      { CAMPUS_GEO_ASN: 'asn.mmdb' },
      { watch: { geo: { city: '/geo/city.mmdb', asn: resolve('asn.mmdb') } } },
    ],
    ['a token for metrics', [], { METRICS_TOKEN: metricsToken }, { watch: { metricsToken } }],
    ['an empty token for metrics as none', [], { METRICS_TOKEN: '' }, { watch: { metricsToken: null } }],
  ]
  for (const [name, args, environment, expected] of cases) {
    it(`read ${name}`, () => assert.partialDeepStrictEqual(read(args, environment), expected))
  }

  const refused: [name: string, args: string[], environment: Record<string, string>, message: RegExp][] = [
    ['an unknown option', ['--prot', '1'], {}, /'--prot'.*--help/],
    ['an argument without option', ['8443'], {}, /'8443'.*--help/],
    ['an option without its value', ['--port'], {}, /--port.*--help/],
    ['a port that is no number', ['--port', 'http'], {}, /^--port is "http": write a number/],
    ['a port beyond the last', ['--port', '65536'], {}, /^--port is "65536"/],
    ['a bad variable by its own name', [], { CAMPUS_PORT: 'x' }, /^CAMPUS_PORT is "x"/],
    ['a time without unit', ['--idle-timeout', '15'], {}, /^--idle-timeout is "15": .*15m/],
    ['a negative time', ['--grace=-5s'], {}, /^--grace/],
    ['a store that nobody knows', ['--store', 'mongo:x'], {}, /^--store is "mongo:x": write memory:/],
    ['a Redis without host', ['--store', 'redis:x'], {}, /^--store is "redis:x": write redis:/],
    ['a cluster without port', ['--store', 'redis-cluster://a'], {}, /^--store .*write redis-cluster:/],
    ['a password in a wrong address', ['--store', 'postgres://me:secret@'], {}, /^--store: write postgres:[^@]*@HOST/],
    ['accounts in a Redis', ['--users', 'redis://cache'], {}, /^--users is "redis:.*write sqlite:FILE or postgres:/],
    ['accounts in memory', ['--users', 'memory:'], {}, /^--users is "memory:": write sqlite:FILE or postgres:/],
    ['accounts outside the data directory', ['--users', 'sqlite:../x'], {}, /^--users.*inside the data directory/],
    [
      'a password in a wrong address of accounts',
      [],
      { CAMPUS_USERS: 'postgres://me:secret@' },
      /^CAMPUS_USERS: write postgres:[^@]*@HOST/,
    ],
    ['a store without place', ['--store', 'sqlite:'], {}, /^--store/],
    ['a memory store with a place', ['--store', 'memory:x'], {}, /^--store/],
    ['a store outside the data directory', ['--store', 'file:../elsewhere'], {}, /^--store.*inside the data directory/],
    ['no sessions at all', ['--max-sessions', '0'], {}, /^--max-sessions is "0".*off/],
    ['a proxy that is no address', ['--trust-proxy', 'nginx'], {}, /^--trust-proxy is "nginx"/],
    ['a range that is too long', ['--trust-proxy', '10.0.0.0/33'], {}, /^--trust-proxy/],
    ['zero proxies', ['--trust-proxy', '0'], {}, /^--trust-proxy/],
    ['a switch that says maybe', [], { CAMPUS_INSECURE_HTTP: 'maybe' }, /^CAMPUS_INSECURE_HTTP/],
    ['a certificate without key', ['--tls-cert', '/c'], {}, /--tls-key/],
    ['a key without certificate', [], { CAMPUS_TLS_KEY: '/k' }, /--tls-cert/],
    ['a mail server that is none', ['--smtp', 'mail.example'], {}, /^--smtp is "mail.example": write smtp:/],
    ['a mail server with options', ['--smtp', 'smtp://a/?logger=true'], {}, /^--smtp is .*write smtp:/],
    [
      'a password in a wrong address of mail',
      [],
      { CAMPUS_SMTP: 'http://me:secret@a' },
      /^CAMPUS_SMTP: write smtp:[^@]*@HOST/,
    ],
    ['a mail password that is cut off', ['--smtp', 'smtp://me:%4@a'], {}, /^--smtp: write smtp:/],
    ['a mail password that is no text', ['--smtp', 'smtp://me:%FF@a'], {}, /^--smtp: write smtp:/],
    ['a sender that is none', ['--mail-from', 'a@b\nBcc: c@d.example'], {}, /^--mail-from is .*plain e-mail address/],
    ['a watch in memory', ['--watch', 'memory:'], {}, /^--watch is "memory:": write sqlite:FILE or postgres:/],
    ['a watch outside the data directory', ['--watch', 'sqlite:../w'], {}, /^--watch.*inside the data directory/],
    [
      'a password in a wrong address of the watch',
      [],
      { CAMPUS_WATCH: 'postgres://me:secret@' },
      /^CAMPUS_WATCH: write postgres:[^@]*@HOST/,
    ],
    [
      'an answer to alerts that is none',
      ['--on-alert', 'panic'],
      {},
      /^--on-alert is "panic": write tell, dry-run or act/,
    ],
    ['a receiver that is no address', ['--alert-webhook', 'alerts.example/secret'], {}, /^--alert-webhook: .*https:/],
    ['a receiver of another kind', [], { CAMPUS_ALERT_WEBHOOK: 'ftp://a/secret' }, /^CAMPUS_ALERT_WEBHOOK: .*https:/],
    [
      'a receiver without its secret',
      ['--alert-webhook', 'https://a/'],
      {},
      /^ALERT_SECRET is not set: .*openssl rand/,
    ],
    [
      'alerts by mail without a mail server',
      ['--alert-mail', 'watch@campus.example'],
      {},
      /^--alert-mail is given without --smtp/,
    ],
    [
      'a mailbox that is none',
      ['--smtp', 'smtp://a', '--alert-mail', 'a@b, c@d'],
      {},
      /^--alert-mail is .*plain e-mail/,
    ],
    ['a short token for metrics', [], { METRICS_TOKEN: 'secret' }, /^METRICS_TOKEN is short.*keygen/],
    ['a token for metrics with a line break', [], { METRICS_TOKEN: `${metricsToken}\n` }, /^METRICS_TOKEN .*keygen/],
    ['an empty demo password', ['--demo-password', ' '], {}, /^--demo-password: is empty/],
  ]
  for (const [name, args, environment, message] of refused) {
    it(`refuse ${name} in one line that names the fix`, () => {
      assert.throws(
        () => readOptions(args, environment),
        error => error instanceof OptionError && message.test(error.message) && !/\n|secret/.test(error.message),
      )
    })
  }

  it('never break on odd input', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.string(), fc.constantFrom('--port', '--store', '--trust-proxy', '--', '-h', '--grace='))),
        args => {
          try {
            readOptions(args, {})
          } catch (error) {
            assert.ok(error instanceof OptionError)
          }
        },
      ),
    )
  })

  it('are all on the help page', () => {
    for (const name of [
      'host',
      'port',
      'data',
      'store',
      'users',
      'near-cache',
      'idle-timeout',
      'absolute-timeout',
      'rotate-every',
      'grace',
      'max-sessions',
      'demo-password',
      'tls-cert',
      'tls-key',
      'trust-proxy',
      'watch',
      'on-alert',
      'watch-learning',
      'alert-webhook',
      'alert-mail',
      'geo-city',
      'geo-asn',
      'insecure-http',
    ]) {
      assert.match(helpText(), new RegExp(`--${name}\\b`))
    }
    assert.equal(readOptions(['--help'], {}), 'help')
  })
})
