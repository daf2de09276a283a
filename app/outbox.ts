import { randomUUID } from 'node:crypto'
import type { Database, Query } from './database.ts'
import { type Mailer, MailRefused } from './mailer.ts'

/** Something to tell a user. */
export interface Message {
  readonly user: string
  /**
   * What it is about: a topic, and after a space what of it. Within `quietMs` the same is not written again, nor more than
   * ten of one topic: strangers must not fill a mailbox, by the same again or by something else each time.
   */
  readonly topic: string
  readonly quietMs: number
  readonly subject: string
  readonly text: string
  /** Where to send it besides the user's own address. */
  readonly alsoTo: string | null
}

/** A message as its reader sees it. */
export interface WrittenMessage {
  readonly id: string
  /** Epoch ms. */
  readonly writtenAt: number
  readonly subject: string
  readonly text: string
  readonly mails: readonly { readonly address: string; readonly state: 'waiting' | 'sent' | 'given-up' }[]
}

/** What users were told, and the mails that are still to be sent. */
export interface Outbox {
  /** Writes a message down. Nothing is sent here: a mail server must not hold up a request. */
  write(message: Message): Promise<void>
  /** The user's messages, newest first, at most 50. */
  of(user: string): Promise<WrittenMessage[]>
  /** Sends what is due, one after the other; resolves when nothing is, or when the mail server failed. Never rejects. */
  deliver(): Promise<void>
  /** Stops sending; a mail that is on its way gets a few seconds to arrive. */
  close(): Promise<void>
}

const second = 1_000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour

/** How often the outbox looks for mails whose time has come. */
const roundEveryMs = 15 * second
/** Longest time for one mail. Well below the first pause, so that nobody else takes a mail that is still under way. */
const patienceMs = 25 * second
const closingPatienceMs = 3 * second
/** Attempts for one mail: with the pauses between them, most of a day. */
const mostAttempts = 24
const mailsPerRound = 20
const keptForMs = 90 * day
const mostShown = 50
const mostOfTopic = 10
/** Mails to one user: what comes above that stands on their page only. */
const mostMailsPerHour = 20

/** How long to wait after so many attempts: 1, 2, 4 … minutes, an hour at most. */
export function pauseAfter(attempts: number): number {
  return Math.min(minute * 2 ** (attempts - 1), hour)
}

/** A mail as it is kept. */
interface Mail {
  readonly id: string
  readonly address: string
  readonly attempts: number
  readonly subject: string
  readonly text: string
  readonly writtenAt: number
}

/**
 * The outbox in Campus's database, which several processes may share: who sends a mail claims it first, by counting an
 * attempt, and of two that want to count the same attempt one does. A process that dies on the way leaves a mail that is
 * due again after its pause; it then may arrive twice, and never not at all.
 */
export function openOutbox(parts: {
  readonly database: Database
  /** `null`: there is no mail server, and messages are only shown. */
  readonly mailer: Mailer | null
  readonly clock: () => number
  readonly failed: (error: unknown) => void
}): Outbox {
  const { database, mailer, clock, failed } = parts
  const closing = new AbortController()
  let round: Promise<void> | null = null
  let again = false
  let prunedAt = Number.NEGATIVE_INFINITY

  async function write({ user, topic, quietMs, subject, text, alsoTo }: Message): Promise<void> {
    const now = clock()
    await database.transaction(async query => {
      // Takes the account's row for itself, so that of two equal messages at once the second sees the first.
      const known = 'UPDATE campus_users SET disabled = disabled WHERE username = $1 RETURNING username'
      if ((await query(known, user)).length === 0) return
      if (quietMs > 0 && (await isToldEnough(query, user, topic, now - quietMs))) return
      const id = randomUUID()
      await query('INSERT INTO campus_messages VALUES ($1, $2, $3, $4, $5, $6)', user, id, topic, now, subject, text)
      if (mailer === null || (await mailsSince(query, user, now - hour)) >= mostMailsPerHour) return
      const own = await query<{ address: string }>('SELECT address FROM campus_emails WHERE username = $1', user)
      const insert = `INSERT INTO campus_mails (id, username, message_id, address, state, next_at) VALUES ($1, $2, $3, $4, 'waiting', $5)`
      for (const address of new Set([...own.map(row => row.address), ...(alsoTo === null ? [] : [alsoTo])]))
        await query(insert, randomUUID(), user, id, address, now)
    })
    await prune(now)
    void deliver()
  }

  async function prune(now: number): Promise<void> {
    if (now - prunedAt < hour) return
    prunedAt = now
    await database.transaction(async query => {
      await query('DELETE FROM campus_messages WHERE written_at <= $1', now - keptForMs)
      await query(
        'DELETE FROM campus_mails WHERE NOT EXISTS (SELECT 1 FROM campus_messages AS message WHERE message.username = campus_mails.username AND message.id = campus_mails.message_id)',
      )
    })
  }

  /** One round at a time; whoever asks meanwhile gets another one afterwards, because theirs may have missed the first. */
  function deliver(): Promise<void> {
    if (mailer === null || closing.signal.aborted) return Promise.resolve()
    again = round !== null
    round ??= sendAll(mailer).finally(() => {
      round = null
      if (again) return deliver()
    })
    return round
  }

  async function sendAll(mailer: Mailer): Promise<void> {
    try {
      for (;;) {
        const due = await dueMails(database.query, clock())
        if (due.length === 0) return
        for (const mail of due) {
          if (closing.signal.aborted) return
          if ((await claim(database.query, mail, clock())) && !(await send(mailer, mail))) return
        }
      }
    } catch (error) {
      failed(error)
    }
  }

  /** Whether it makes sense to go on with the next mail. */
  async function send(mailer: Mailer, mail: Mail): Promise<boolean> {
    const { id, address, attempts } = mail
    try {
      const signal = AbortSignal.any([AbortSignal.timeout(patienceMs), closing.signal])
      await mailer.send({ id, to: address, subject: mail.subject, text: mail.text, writtenAt: mail.writtenAt }, signal)
      await database.query(`UPDATE campus_mails SET state = 'sent' WHERE id = $1`, id)
      return true
    } catch (error) {
      failed(error)
      const refused = error instanceof MailRefused
      if ((refused && error.forGood) || attempts + 1 >= mostAttempts)
        await database.query(`UPDATE campus_mails SET state = 'given-up' WHERE id = $1 AND state = 'waiting'`, id)
      return refused
    }
  }

  const timer = mailer && setInterval(() => void deliver(), roundEveryMs).unref()
  return {
    write,
    deliver,
    async of(user) {
      const messages = await database.query<Omit<WrittenMessage, 'mails'>>(
        `SELECT id, written_at AS "writtenAt", subject, text FROM campus_messages
         WHERE username = $1 ORDER BY written_at DESC, id LIMIT ${mostShown}`,
        user,
      )
      const mails = await database.query<WrittenMessage['mails'][number] & { messageId: string }>(
        `SELECT message_id AS "messageId", address, state FROM campus_mails WHERE username = $1 AND message_id IN
          (SELECT id FROM campus_messages WHERE username = $1 ORDER BY written_at DESC, id LIMIT ${mostShown})
         ORDER BY address`,
        user,
      )
      return messages.map(message => ({ ...message, mails: mails.filter(({ messageId }) => messageId === message.id) }))
    },
    async close() {
      if (timer) clearInterval(timer)
      again = false
      const late = setTimeout(() => closing.abort(), closingPatienceMs)
      const last = round
      await last
      clearTimeout(late)
      closing.abort()
    },
  }
}

/** Whether the same was written since then, or as much of its topic as anybody wants to read. */
async function isToldEnough(query: Query, user: string, topic: string, since: number): Promise<boolean> {
  const [kind = topic] = topic.split(' ')
  const told = await query<{ topic: string }>(
    `SELECT topic FROM campus_messages WHERE username = $1 AND written_at > $2 AND (topic = $3 OR topic LIKE $4)`,
    user,
    since,
    kind,
    `${kind} %`,
  )
  return told.length >= mostOfTopic || told.some(other => other.topic === topic)
}

async function mailsSince(query: Query, user: string, since: number): Promise<number> {
  const recent = `SELECT 1 FROM campus_mails AS mail
     JOIN campus_messages AS message ON message.username = mail.username AND message.id = mail.message_id
     WHERE mail.username = $1 AND message.written_at > $2 LIMIT ${mostMailsPerHour}`
  return (await query(recent, user, since)).length
}

function dueMails(query: Query, now: number): Promise<Mail[]> {
  return query<Mail>(
    `SELECT mail.id, mail.address, mail.attempts, message.subject, message.text, message.written_at AS "writtenAt"
     FROM campus_mails AS mail
     JOIN campus_messages AS message ON message.username = mail.username AND message.id = mail.message_id
     WHERE mail.state = 'waiting' AND mail.next_at <= $1 ORDER BY mail.next_at, mail.id LIMIT ${mailsPerRound}`,
    now,
  )
}

/** Makes a mail ours for this attempt. It counts now, and the next one is due after its pause, whatever becomes of us. */
async function claim(query: Query, { id, attempts }: Mail, now: number): Promise<boolean> {
  const claimed = await query(
    `UPDATE campus_mails SET attempts = $1, next_at = $2
     WHERE id = $3 AND state = 'waiting' AND attempts = $4 RETURNING id`,
    attempts + 1,
    now + pauseAfter(attempts + 1),
    id,
    attempts,
  )
  return claimed.length > 0
}
