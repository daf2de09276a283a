/** The three jobs, in the order of the report. */
export const jobs = ['read', 'write', 'unused'] as const

export type Job = (typeof jobs)[number]

export type Contender = {
  name: string
  /** As the report's tables and chart call it. */
  label: string
  /** The bare server it is compared with; its own name for the bare servers. */
  bare: 'bare-node' | 'bare-express' | 'bare-fastify'
  /** Below `bench/`. */
  file: string
  args: string[]
  /** Where the counter lives: decides how the harness proves that it counts. With a `token` there is none. */
  state: 'none' | 'store' | 'cookie' | 'token'
  /** The jobs it can do. */
  jobs: readonly Job[]
  ours: boolean
  /** The server that it needs running. */
  needs: 'redis' | 'postgres' | null
  /** Most microseconds it may add to its bare server, from issue 2, part 8. */
  budget: Partial<Record<Job, number>>
}

type Row = Pick<Contender, 'name' | 'label' | 'bare' | 'file'> & Partial<Contender>

const contender = (row: Row): Contender => ({
  args: [],
  state: 'store',
  jobs,
  ours: false,
  needs: null,
  budget: {},
  ...row,
})

const bare = (name: Contender['bare'], label: string, file: string): Contender =>
  contender({ name, label, file, bare: name, state: 'none' })

/** Everybody who runs. Adding a contender is adding a file and a row. */
export const contenders: Contender[] = [
  bare('bare-node', 'bare node:http', 'contenders/bare-node.ts'),
  contender({
    name: 'yardstick-node',
    label: 'yardstick: 10 µs of arithmetic',
    bare: 'bare-node',
    file: 'contenders/yardstick-node.ts',
    state: 'none',
  }),
  contender({
    name: 'yardstick-redis',
    label: 'yardstick: one GET by node-redis',
    bare: 'bare-node',
    file: 'contenders/yardstick-driver.ts',
    args: ['redis'],
    state: 'none',
    jobs: ['read'],
    needs: 'redis',
  }),
  contender({
    name: 'yardstick-postgres',
    label: 'yardstick: one SELECT by pg',
    bare: 'bare-node',
    file: 'contenders/yardstick-driver.ts',
    args: ['postgres'],
    state: 'none',
    jobs: ['read'],
    needs: 'postgres',
  }),
  contender({
    name: 'ours-node-memory',
    label: 'Latchkey, memory (node:http)',
    bare: 'bare-node',
    file: 'contenders/ours-node.ts',
    args: ['memory'],
    ours: true,
    budget: { read: 8 },
  }),
  contender({
    name: 'ours-node-watch',
    label: 'Latchkey, memory, under watch (node:http)',
    bare: 'bare-node',
    file: 'contenders/ours-node.ts',
    args: ['memory+watch'],
    ours: true,
  }),
  contender({
    name: 'ours-node-sqlite',
    label: 'Latchkey, SQLite (node:http)',
    bare: 'bare-node',
    file: 'contenders/ours-node.ts',
    args: ['sqlite'],
    ours: true,
    budget: { read: 12, write: 20 },
  }),
  contender({
    name: 'ours-node-redis',
    label: 'Latchkey, Redis (node:http)',
    bare: 'bare-node',
    file: 'contenders/ours-node.ts',
    args: ['redis'],
    ours: true,
    needs: 'redis',
    budget: { read: 8, write: 15 },
  }),
  contender({
    name: 'ours-node-postgres',
    label: 'Latchkey, PostgreSQL (node:http)',
    bare: 'bare-node',
    file: 'contenders/ours-node.ts',
    args: ['postgres'],
    ours: true,
    needs: 'postgres',
    budget: { read: 12, write: 30 },
  }),
  contender({
    name: 'ours-node-redis-near',
    label: 'Latchkey, Redis and near cache (node:http)',
    bare: 'bare-node',
    file: 'contenders/ours-node.ts',
    args: ['redis+near'],
    ours: true,
    needs: 'redis',
    budget: { read: 6 },
  }),
  contender({
    name: 'ours-node-postgres-near',
    label: 'Latchkey, PostgreSQL and near cache (node:http)',
    bare: 'bare-node',
    file: 'contenders/ours-node.ts',
    args: ['postgres+near'],
    ours: true,
    needs: 'postgres',
    budget: { read: 6 },
  }),
  contender({
    name: 'ours-node-sealed',
    label: 'Latchkey, sealed cookie (node:http)',
    bare: 'bare-node',
    file: 'contenders/ours-node.ts',
    args: ['sealed'],
    state: 'cookie',
    ours: true,
    budget: { read: 10 },
  }),
  contender({
    name: 'ours-node-bearer',
    label: 'Latchkey, bearer ES256, session checked (node:http)',
    bare: 'bare-node',
    file: 'contenders/ours-bearer.ts',
    args: ['checked'],
    state: 'token',
    jobs: ['read', 'unused'],
    ours: true,
    budget: { read: 8 },
  }),
  contender({
    name: 'ours-node-bearer-unchecked',
    label: 'Latchkey, bearer ES256 (node:http)',
    bare: 'bare-node',
    file: 'contenders/ours-bearer.ts',
    args: ['unchecked'],
    state: 'token',
    jobs: ['read', 'unused'],
    ours: true,
    budget: { read: 8 },
  }),
  contender({
    name: 'iron-session',
    label: 'iron-session (node:http)',
    bare: 'bare-node',
    file: 'peers/iron-session.mjs',
    state: 'cookie',
  }),
  contender({
    name: 'better-auth',
    label: 'better-auth, SQLite (node:http)',
    bare: 'bare-node',
    file: 'peers/better-auth.mjs',
  }),
  contender({
    name: 'better-auth-redis',
    label: 'better-auth, Redis (node:http)',
    bare: 'bare-node',
    file: 'peers/better-auth.mjs',
    args: ['redis'],
    needs: 'redis',
  }),
  bare('bare-express', 'bare Express 5', 'contenders/bare-express.ts'),
  contender({
    name: 'ours-express-memory',
    label: 'Latchkey, memory (Express)',
    bare: 'bare-express',
    file: 'contenders/ours-express.ts',
    args: ['memory'],
    ours: true,
    budget: { read: 15 },
  }),
  contender({
    name: 'ours-express-sqlite',
    label: 'Latchkey, SQLite (Express)',
    bare: 'bare-express',
    file: 'contenders/ours-express.ts',
    args: ['sqlite'],
    ours: true,
  }),
  contender({
    name: 'express-session',
    label: 'express-session, memory (Express)',
    bare: 'bare-express',
    file: 'peers/express-session.mjs',
    args: ['memory'],
  }),
  contender({
    name: 'express-session-redis',
    label: 'express-session, connect-redis (Express)',
    bare: 'bare-express',
    file: 'peers/express-session.mjs',
    args: ['redis'],
    needs: 'redis',
  }),
  contender({
    name: 'express-session-postgres',
    label: 'express-session, connect-pg-simple (Express)',
    bare: 'bare-express',
    file: 'peers/express-session.mjs',
    args: ['postgres'],
    needs: 'postgres',
  }),
  ...[
    ['jose', 'HS256'],
    ['jose', 'ES256'],
    ['jose', 'EdDSA'],
    ['fast-jwt', 'HS256'],
    ['fast-jwt', 'cached'],
  ].map(([library = '', variant = '']) =>
    contender({
      name: `jwt-${library}-${variant.toLowerCase()}`,
      label: `${library} ${variant === 'cached' ? 'HS256, its cache on' : variant}, no session (Express)`,
      bare: 'bare-express',
      file: 'peers/jwt.mjs',
      args: [library, variant],
      state: 'token',
      jobs: ['read', 'unused'],
    }),
  ),
  bare('bare-fastify', 'bare Fastify 5', 'peers/bare-fastify.mjs'),
  contender({
    name: 'ours-fastify-memory',
    label: 'Latchkey, memory (Fastify)',
    bare: 'bare-fastify',
    file: 'contenders/ours-fastify.ts',
    args: ['memory'],
    ours: true,
  }),
  contender({
    name: 'fastify-session',
    label: '@fastify/session, memory (Fastify)',
    bare: 'bare-fastify',
    file: 'peers/fastify-session.mjs',
    args: ['memory'],
  }),
  contender({
    name: 'fastify-secure-session',
    label: '@fastify/secure-session (Fastify)',
    bare: 'bare-fastify',
    file: 'peers/fastify-secure-session.mjs',
    state: 'cookie',
  }),
  contender({
    name: 'fastify-session-redis',
    label: '@fastify/session, connect-redis (Fastify)',
    bare: 'bare-fastify',
    file: 'peers/fastify-session.mjs',
    args: ['redis'],
    needs: 'redis',
  }),
]

/** The contenders whose name starts with one of the comma-separated words, and the bare servers they stand on. */
export function chosenContenders(only: string | undefined): Contender[] {
  if (only === undefined) return contenders
  const words = only.split(',').map(word => word.trim())
  const unknown = words.find(word => !contenders.some(({ name }) => name.startsWith(word)))
  if (unknown !== undefined) {
    throw new Error(`--only ${unknown}: no such contender. There are: ${contenders.map(({ name }) => name).join(', ')}`)
  }
  const chosen = contenders.filter(({ name }) => words.some(word => name.startsWith(word)))
  const needed = new Set(chosen.flatMap(({ name, bare }) => [name, bare]))
  return contenders.filter(({ name }) => needed.has(name))
}

/** The jobs named in a comma-separated list; all without one. */
export function chosenJobs(job: string | undefined): Job[] {
  if (job === undefined) return [...jobs]
  const words = job.split(',').map(word => word.trim())
  const unknown = words.find(word => !jobs.some(name => name === word))
  if (unknown !== undefined) throw new Error(`--job ${unknown}: no such job. There are: ${jobs.join(', ')}`)
  return jobs.filter(name => words.includes(name))
}
