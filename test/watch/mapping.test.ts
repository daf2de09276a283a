import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { AuditEntry } from '../../src/watch/entry.ts'
import { type AuditType, auditCatalogue } from '../../src/watch/events.ts'
import { ecsOf } from '../../src/watch/mapping/ecs.ts'
import { eventMapping, ocsfClasses } from '../../src/watch/mapping/event-mapping.ts'
import { ocsfOf } from '../../src/watch/mapping/ocsf.ts'

/** `event.type` that ECS 9.4 expects for each `event.category` (schemas/event.yml). */
const ecsTypes: Readonly<Record<string, readonly string[]>> = {
  authentication: ['start', 'end', 'info'],
  configuration: ['access', 'change', 'creation', 'deletion', 'info'],
  database: ['access', 'change', 'info', 'error'],
  host: ['access', 'change', 'end', 'info', 'start'],
  iam: ['admin', 'change', 'creation', 'deletion', 'group', 'info', 'user'],
  intrusion_detection: ['allowed', 'denied', 'info'],
  session: ['start', 'end', 'info'],
  web: ['access', 'error', 'info'],
}

/** Activities of OCSF 1.8 by class (events/**.json), without 0 and 99, which all have. */
const ocsfActivities: Readonly<Record<number, number>> = {
  0: 0,
  1008: 10,
  2004: 3,
  3001: 12,
  3002: 7,
  3003: 3,
  6003: 4,
  6008: 2,
}

function entry(type: AuditType, fields: Partial<AuditEntry> = {}): AuditEntry {
  return {
    ...{ chain: 'keyOne--xxxxxxxxxxxxxx', seq: 7, at: Date.UTC(2030, 0, 1), type, mac: 'm'.repeat(43) },
    severity: auditCatalogue[type].severity,
    ...{ sid: 'A'.repeat(22), userId: 'alice', address: '192.0.2.1', userAgent: 'Test/1.0' },
    detail: { aal: 2, reason: 'idle', detector: 'forged-token', operation: 'end-user', by: 'bob' },
    ...fields,
  }
}

const types = Object.keys(eventMapping) as AuditType[]

it('ASVS 16.2.4: every event that is written down has its place in ECS and OCSF', () => {
  assert.deepEqual([...types].sort(), Object.keys(auditCatalogue).sort())
})

describe('Elastic Common Schema', () => {
  for (const type of types) {
    it(`${type} has categories and types that belong together`, () => {
      const { category, type: ecsType } = eventMapping[type].ecs
      for (const one of ecsType)
        assert.ok(
          category.some(name => ecsTypes[name]?.includes(one)),
          one,
        )
      for (const one of category)
        assert.ok(
          ecsType.some(name => ecsTypes[one]?.includes(name)),
          one,
        )
    })
  }

  it('ASVS 16.2.1, ASVS 16.2.2: says when (in UTC), what, who and from where', () => {
    assert.deepEqual(ecsOf(entry('session.ended')), {
      '@timestamp': '2030-01-01T00:00:00.000Z',
      message: 'session.ended',
      ecs: { version: '9.4.0' },
      log: { level: 'info' },
      event: {
        ...{ kind: 'event', category: ['session'], type: ['end'], action: 'session.ended', outcome: 'success' },
        ...{ code: 'session_expired', severity: 1, provider: 'latchkey', dataset: 'latchkey.trail' },
        ...{ id: 'keyOne--xxxxxxxxxxxxxx/7', sequence: 7, hash: 'm'.repeat(43), reason: 'idle' },
      },
      source: { address: '192.0.2.1', ip: '192.0.2.1' },
      user: { id: 'alice' },
      user_agent: { original: 'Test/1.0' },
      rule: { name: 'forged-token' },
      latchkey: { chain: 'keyOne--xxxxxxxxxxxxxx', sid: 'A'.repeat(22), detail: entry('session.ended').detail },
    })
  })

  it('a network or a hash is no IP address, and what is not known is not there', () => {
    for (const address of ['192.0.2.0/24', '2001:db8::/48', 'h:abcdefghijklmnopqrstuv']) {
      assert.deepEqual(ecsOf(entry('session.created', { address })).source, { address })
    }
    const bare = ecsOf(entry('store.failed', { address: null, userId: null, userAgent: null, sid: null, detail: {} }))
    for (const name of ['source', 'user', 'user_agent', 'rule']) assert.ok(!Object.hasOwn(bare, name), name)
  })

  it('chains are values, not names of fields', () => {
    const detail = { heads: { chainOne: { seq: 1, mac: 'm' } } }
    const { latchkey } = ecsOf(entry('trail.checkpoint', { detail })) as { latchkey: AuditEntry }
    assert.deepEqual(latchkey.detail, { heads: [{ chain: 'chainOne', seq: 1, mac: 'm' }] })
  })
})

describe('Open Cybersecurity Schema Framework', () => {
  for (const type of types) {
    it(`${type} has a class, an activity of it, and what the class requires`, () => {
      const sparse = entry(type, { sid: null, userId: null, address: null, userAgent: null, detail: {} })
      for (const record of [ocsfOf(entry(type)), ocsfOf(sparse)]) {
        const { class_uid: classUid, category_uid: category, type_uid: typeUid, activity_id: activity } = record
        assert.ok(typeof classUid === 'number' && typeof activity === 'number')
        assert.equal(classUid, ocsfClasses[eventMapping[type].ocsf.class])
        assert.equal(category, Math.floor(classUid / 1_000))
        assert.equal(typeUid, classUid * 100 + activity)
        assert.ok(activity === 99 || (activity >= 1 && activity <= (ocsfActivities[classUid] ?? 0)))
        assert.equal(record.activity_name, activity === 99 ? type : undefined)
        for (const name of required[classUid] ?? []) assert.ok(record[name] !== undefined, name)
        for (const name of ['metadata', 'severity_id', 'time']) assert.ok(record[name] !== undefined, name)
      }
    })
  }

  /** Attributes that a class requires, or one of several that it wants. */
  const required: Readonly<Record<number, readonly string[]>> = {
    1008: ['log_name'],
    2004: ['finding_info', 'status_id'],
    3001: ['user'],
    3002: ['user', 'service'],
    3003: ['user', 'privileges'],
    6003: ['actor', 'api', 'src_endpoint'],
  }

  it('an attack is a finding that names what found it', () => {
    const hit = entry('detector.hit', { detail: { detector: 'password-spraying', alert: 'alert-1' } })
    const { class_uid, finding_info, severity_id, is_alert, evidences } = ocsfOf(hit)
    assert.deepEqual([class_uid, severity_id, is_alert], [2004, 4, true])
    assert.deepEqual(finding_info, { uid: 'alert-1', title: 'password-spraying' })
    assert.deepEqual(evidences, [
      {
        src_endpoint: { ip: '192.0.2.1' },
        http_request: { user_agent: 'Test/1.0' },
        actor: { user: { uid: 'alice' }, session: { uid: 'A'.repeat(22) } },
      },
    ])
  })

  it('who acted is the operator, and not whose session it was', () => {
    const { actor, api } = ocsfOf(entry('operator.acted'))
    assert.deepEqual(
      [actor, api],
      [{ user: { uid: 'bob' }, session: { uid: 'A'.repeat(22) } }, { operation: 'end-user' }],
    )
  })
})
