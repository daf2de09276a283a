import type { Names } from './names.ts'
import { columns } from './rows.ts'

const recordColumns =
  'sid text, version bigint, user_id text, created_at bigint, last_seen_at bigint, expires_at bigint, ended text, body text'

/**
 * Every operation that changes something is a function in the database: one round trip, one transaction.
 *
 * In READ COMMITTED each statement of a function sees what was committed before it began. So a function first locks, and
 * what it reads afterwards holds until the end. Order of locks, the same for all: the table, the user, records by sid,
 * the followers.
 *
 * - Sign-ins of a user and endUser lock the user (an advisory lock; a row would have to be made for everybody). Then one
 *   of them is first: the other either is overtaken or finds the new session.
 * - Every writer holds ROW EXCLUSIVE on the table of records, endEverybody holds EXCLUSIVE: it runs alone, but for readers.
 * - Who changes something holds the key of the followers in common until after COMMIT; who begins to follow takes it
 *   alone for a moment. So every change whose author did not see the follower is over before the follower begins. Nobody
 *   is notified where nobody follows: NOTIFY makes all COMMITs of a database wait for each other.
 *
 * lock_timeout is shorter than the engine's deadline, so that the error says what is wrong and nothing stays behind on the
 * server, waiting for a lock on behalf of a request that was answered long ago.
 */
export function functions({ records, generations, followers, of, channel, lock }: Names): string {
  const define = (name: string, parameters: string, returns: string, body: string, settings = '') =>
    `CREATE FUNCTION ${of(name)}(${parameters}) RETURNS ${returns} LANGUAGE plpgsql${settings} AS $body$\n${body.trim()}\n$body$;\n`
  const writing = ` SET lock_timeout = '1500ms'`
  const everybody = `E'\\\\*'`

  return [
    // A replica answers with the past: somebody who was signed out lives on there.
    define(
      'on_primary',
      '',
      'boolean',
      `
BEGIN
  IF pg_is_in_recovery() THEN
    RAISE EXCEPTION 'this server is a replica' USING ERRCODE = 'read_only_sql_transaction';
  END IF;
  RETURN true;
END`,
      ' STABLE',
    ),

    // Whoever turned synchronous_commit off for speed did not mean sign-outs. Every other setting is kept.
    define(
      'durably',
      '',
      'void',
      `
BEGIN
  IF current_setting('synchronous_commit') = 'off' THEN
    PERFORM set_config('synchronous_commit', 'on', true);
  END IF;
END`,
    ),

    // With a higher isolation a statement sees what was there before it had to wait, and not who it waited for.
    define(
      'alone',
      '',
      'void',
      `
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'transaction_isolation is %', current_setting('transaction_isolation') USING ERRCODE = 'LK001';
  END IF;
END`,
    ),

    define(
      'announce',
      'p_sids text[]',
      'void',
      `
BEGIN
  PERFORM pg_advisory_xact_lock_shared('${lock}');
  IF EXISTS (SELECT FROM ${followers}) THEN
    PERFORM pg_notify('${channel}', changed.sid) FROM unnest(p_sids) AS changed (sid);
  END IF;
END`,
    ),

    define(
      'generation_of',
      'p_user_id text',
      'bigint',
      `
BEGIN
  RETURN (SELECT coalesce(sum(generation), 0) FROM ${generations} WHERE user_id IN (p_user_id, ${everybody}));
END`,
      ' STABLE',
    ),

    define(
      'raise_generation',
      'p_user_id text',
      'void',
      `
BEGIN
  INSERT INTO ${generations} AS known (user_id, generation) VALUES (p_user_id, 1)
    ON CONFLICT (user_id) DO UPDATE SET generation = known.generation + 1;
END`,
    ),

    // Ends records that the caller has locked, and answers with what they were.
    define(
      'bury',
      'p_sids text[], p_mark text, p_keep_until bigint',
      `TABLE (${recordColumns})`,
      `
#variable_conflict use_column
BEGIN
  RETURN QUERY SELECT ${columns} FROM ${records} WHERE sid = ANY (p_sids);
  UPDATE ${records} SET ended = p_mark, body = '', expires_at = p_keep_until, version = version + 1
    WHERE sid = ANY (p_sids);
END`,
    ),

    // A row with the outcome and nothing else, then a row for each evicted record.
    define(
      'create',
      `
  p_sid text, p_version bigint, p_user_id text, p_created_at bigint, p_last_seen_at bigint, p_expires_at bigint, p_ended text,
  p_body text, p_now bigint, p_generation bigint, p_max bigint, p_mark text, p_keep_until bigint, p_except text
`,
      `TABLE (outcome text, ${recordColumns})`,
      `
#variable_conflict use_column
DECLARE
  v_surplus text[] := '{}';
BEGIN
  PERFORM ${of('alone')}(), ${of('durably')}();
  LOCK TABLE ${records} IN ROW EXCLUSIVE MODE;
  IF p_user_id IS NOT NULL THEN
    PERFORM pg_advisory_xact_lock(hashtextextended(p_user_id, '${lock}'));
  END IF;
  IF EXISTS (SELECT FROM ${records} WHERE sid = p_sid) THEN
    outcome := 'exists'; RETURN NEXT; RETURN;
  END IF;
  IF p_user_id IS NOT NULL AND p_generation <> ${of('generation_of')}(p_user_id) THEN
    outcome := 'overtaken'; RETURN NEXT; RETURN;
  END IF;
  IF p_user_id IS NOT NULL AND p_max IS NOT NULL THEN
    v_surplus := ARRAY (
      SELECT sid FROM ${records}
      WHERE user_id = p_user_id AND ended IS NULL AND expires_at > p_now AND sid IS DISTINCT FROM p_except
      ORDER BY created_at DESC, sid OFFSET p_max - 1
    );
    IF p_mark IS NULL AND cardinality(v_surplus) > 0 THEN
      outcome := 'limit'; RETURN NEXT; RETURN;
    END IF;
  END IF;
  INSERT INTO ${records} (${columns})
    VALUES (p_sid, p_version, p_user_id, p_created_at, p_last_seen_at, p_expires_at, p_ended, p_body)
    ON CONFLICT (sid) DO NOTHING;
  IF NOT FOUND THEN
    outcome := 'exists'; RETURN NEXT; RETURN;
  END IF;
  outcome := 'created'; RETURN NEXT;
  IF cardinality(v_surplus) > 0 THEN
    v_surplus := ARRAY (
      SELECT sid FROM ${records} WHERE sid = ANY (v_surplus) AND ended IS NULL ORDER BY sid FOR UPDATE
    );
    RETURN QUERY SELECT 'evicted'::text, * FROM ${of('bury')}(v_surplus, p_mark, p_keep_until);
  END IF;
  PERFORM ${of('announce')}(v_surplus || p_sid);
END`,
      writing,
    ),

    // Answers in the order of the questions. p_commit: 'durably', 'later' (do not wait for the disk), or what is set.
    define(
      'save',
      `
  p_sids text[], p_versions bigint[], p_created bigint[], p_seen bigint[], p_expires bigint[], p_bodies text[], p_commit text
`,
      'text[]',
      `
DECLARE
  i integer;
  v_answers text[] := array_fill('gone'::text, ARRAY[cardinality(p_sids)]);
  v_saved text[] := '{}';
BEGIN
  IF p_commit = 'durably' THEN
    PERFORM ${of('durably')}();
  ELSIF p_commit = 'later' THEN
    PERFORM set_config('synchronous_commit', 'off', true);
  END IF;
  FOR i IN
    SELECT asked.place FROM unnest(p_sids) WITH ORDINALITY AS asked (sid, place) ORDER BY asked.sid COLLATE "C", asked.place
  LOOP
    UPDATE ${records}
      SET version = p_versions[i], created_at = p_created[i], last_seen_at = p_seen[i], expires_at = p_expires[i],
        body = p_bodies[i]
      WHERE sid = p_sids[i] AND version = p_versions[i] - 1 AND ended IS NULL;
    IF FOUND THEN
      v_answers[i] := 'saved';
      v_saved := v_saved || p_sids[i];
    ELSIF EXISTS (SELECT FROM ${records} WHERE sid = p_sids[i] AND ended IS NULL) THEN
      v_answers[i] := 'conflict';
    END IF;
  END LOOP;
  IF cardinality(v_saved) > 0 THEN
    PERFORM ${of('announce')}(v_saved);
  END IF;
  RETURN v_answers;
END`,
      writing,
    ),

    // A touch that is lost makes a session time out a little earlier: no reason to wait for the disk.
    define(
      'touch',
      'p_sids text[], p_seen bigint[], p_expires bigint[]',
      'void',
      `
DECLARE
  i integer;
  v_touched text[] := '{}';
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  FOR i IN
    SELECT asked.place FROM unnest(p_sids) WITH ORDINALITY AS asked (sid, place) ORDER BY asked.sid COLLATE "C", asked.place
  LOOP
    UPDATE ${records}
      SET last_seen_at = greatest(last_seen_at, p_seen[i]), expires_at = greatest(expires_at, p_expires[i])
      WHERE sid = p_sids[i] AND ended IS NULL AND (last_seen_at < p_seen[i] OR expires_at < p_expires[i]);
    IF FOUND THEN
      v_touched := v_touched || p_sids[i];
    END IF;
  END LOOP;
  IF cardinality(v_touched) > 0 THEN
    PERFORM ${of('announce')}(v_touched);
  END IF;
END`,
      writing,
    ),

    // Bodies leave with the rows that are returned: the caller learns what the record was before.
    define(
      'end',
      'p_sid text, p_mark text, p_keep_until bigint',
      `TABLE (${recordColumns})`,
      `
#variable_conflict use_column
BEGIN
  PERFORM FROM ${records} WHERE sid = p_sid AND ended IS NULL FOR UPDATE;
  IF FOUND THEN
    PERFORM ${of('durably')}();
    RETURN QUERY SELECT * FROM ${of('bury')}(ARRAY[p_sid], p_mark, p_keep_until);
    PERFORM ${of('announce')}(ARRAY[p_sid]);
  END IF;
END`,
      writing,
    ),

    define(
      'end_user',
      'p_user_id text, p_mark text, p_keep_until bigint, p_except text',
      `TABLE (${recordColumns})`,
      `
#variable_conflict use_column
DECLARE
  v_sids text[];
BEGIN
  PERFORM ${of('alone')}(), ${of('durably')}();
  PERFORM pg_advisory_xact_lock(hashtextextended(p_user_id, '${lock}'));
  PERFORM ${of('raise_generation')}(p_user_id);
  v_sids := ARRAY (
    SELECT sid FROM ${records}
    WHERE user_id = p_user_id AND ended IS NULL AND sid IS DISTINCT FROM p_except
    ORDER BY sid FOR UPDATE
  );
  RETURN QUERY SELECT * FROM ${of('bury')}(v_sids, p_mark, p_keep_until);
  PERFORM ${of('announce')}(v_sids);
END`,
      writing,
    ),

    define(
      'end_everybody',
      'p_mark text, p_keep_until bigint',
      'bigint',
      `
DECLARE
  v_count bigint;
BEGIN
  PERFORM ${of('alone')}(), ${of('durably')}();
  LOCK TABLE ${records} IN EXCLUSIVE MODE;
  PERFORM ${of('raise_generation')}(${everybody});
  UPDATE ${records} SET ended = p_mark, body = '', expires_at = p_keep_until, version = version + 1 WHERE ended IS NULL;
  GET DIAGNOSTICS v_count = ROW_COUNT;
  PERFORM ${of('announce')}(ARRAY[${everybody}]);
  RETURN v_count;
END`,
      writing,
    ),

    // What another sweeper has locked is left to it. Followers whose connection broke are forgotten along the way.
    define(
      'sweep',
      'p_now bigint, p_limit bigint',
      `TABLE (${recordColumns})`,
      `
#variable_conflict use_column
DECLARE
  v_sids text[];
BEGIN
  DELETE FROM ${followers} AS follower
    WHERE NOT EXISTS (SELECT FROM pg_stat_activity AS backend WHERE backend.pid = follower.pid);
  v_sids := ARRAY (
    SELECT sid FROM ${records}
    WHERE expiry_minute <= p_now / 60000 AND expires_at <= p_now
    ORDER BY expiry_minute, expires_at LIMIT p_limit FOR UPDATE SKIP LOCKED
  );
  RETURN QUERY DELETE FROM ${records} WHERE sid = ANY (v_sids) RETURNING ${columns};
END`,
      writing,
    ),

    // A row nobody else has: not even a user is called that.
    define(
      'ping',
      '',
      'void',
      `
BEGIN
  PERFORM FROM ${records} LIMIT 1;
  PERFORM ${of('raise_generation')}(E'\\\\?');
END`,
      writing,
    ),
  ].join('\n')
}
