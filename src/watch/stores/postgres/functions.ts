import type { WatchNames } from './names.ts'

/**
 * What needs more than one step is a function in the database: one round trip, one transaction. Rows are locked in the order
 * of their keys, so that two callers that name the same ones never wait for each other.
 */
export function functions({ alerts, windows, counters, of, lock }: WatchNames): string {
  const define = (name: string, parameters: string, returns: string, language: string, body: string) =>
    `CREATE OR REPLACE FUNCTION ${of(name)}(${parameters}) RETURNS ${returns} LANGUAGE ${language} AS $body$${body}$body$;\n`

  return [
    // Whoever sees the same thing waits for the others, and then finds the alert that they opened. `was` is its severity until now.
    define(
      'raise_alert',
      'p_id text, p_detector text, p_fingerprint text, p_severity smallint, p_sid text, p_user_id text, p_address text, p_evidence text, p_at bigint, p_quiet_ms bigint',
      `TABLE (alert ${alerts}, was smallint)`,
      'plpgsql',
      `
DECLARE
  v_id text;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended(p_fingerprint, ${lock}));
  SELECT id, severity INTO v_id, was FROM ${alerts}
    WHERE fingerprint = p_fingerprint AND state <> 'closed' AND p_at - last_at < p_quiet_ms
    ORDER BY last_at DESC, id DESC LIMIT 1 FOR UPDATE;
  IF FOUND THEN
    RETURN QUERY UPDATE ${alerts} AS known SET severity = greatest(severity, p_severity), count = count + 1, evidence = p_evidence,
      first_at = least(first_at, p_at), last_at = greatest(last_at, p_at) WHERE id = v_id RETURNING known, was;
  ELSE
    UPDATE ${alerts} SET state = 'closed', moved_by = NULL, moved_at = p_at
      WHERE fingerprint = p_fingerprint AND state = 'open';
    RETURN QUERY INSERT INTO ${alerts} AS known VALUES
      (p_id, p_detector, p_fingerprint, p_severity, p_sid, p_user_id, p_address, p_evidence, 'open', 1, p_at, p_at, NULL, NULL)
      RETURNING known, NULL::smallint;
  END IF;
END
`,
    ),

    // Of those seen last in the same instant, who is seen now is last.
    define(
      'after_sighting',
      'p_members jsonb, p_member text, p_at bigint, p_window_ms bigint, p_most integer',
      'jsonb',
      'sql IMMUTABLE',
      `
  SELECT jsonb_agg(jsonb_build_array(member, first_at, last_at) ORDER BY last_at, place) FROM (
    SELECT member, min(first_at) AS first_at, max(last_at) AS last_at, max(place) AS place FROM (
      SELECT known ->> 0 AS member, (known ->> 1)::bigint AS first_at, (known ->> 2)::bigint AS last_at, place
        FROM jsonb_array_elements(p_members) WITH ORDINALITY AS members (known, place)
        WHERE (known ->> 2)::bigint >= p_at - p_window_ms
      UNION ALL SELECT p_member, p_at, p_at, 1000
    ) AS lately GROUP BY member ORDER BY 3 DESC, 4 DESC LIMIT p_most
  ) AS kept
`,
    ),

    define(
      'see',
      'p_keys text[], p_members text[], p_at bigint[], p_window_ms bigint[], p_most integer[]',
      'TABLE (place bigint, members jsonb)',
      'plpgsql',
      `
DECLARE
  seen record;
BEGIN
  FOR seen IN
    SELECT * FROM unnest(p_keys, p_members, p_at, p_window_ms, p_most) WITH ORDINALITY
      AS sightings (key, member, at, window_ms, most, place) ORDER BY key COLLATE "C", place
  LOOP
    place := seen.place;
    INSERT INTO ${windows} AS known (key, members, over_minute) VALUES
      (seen.key, jsonb_build_array(jsonb_build_array(seen.member, seen.at, seen.at)), (seen.at + seen.window_ms) / 60000 + 1)
      ON CONFLICT (key) DO UPDATE SET over_minute = greatest(known.over_minute, excluded.over_minute),
        members = ${of('after_sighting')}(known.members, seen.member, seen.at, seen.window_ms, seen.most)
      RETURNING known.members INTO members;
    RETURN NEXT;
  END LOOP;
END
`,
    ),

    define(
      'tally',
      'p_keys text[], p_by double precision[], p_at bigint[], p_forget_after_ms bigint[]',
      'TABLE (place bigint, before double precision)',
      'plpgsql',
      `
#variable_conflict use_column
DECLARE
  added record;
BEGIN
  FOR added IN
    SELECT * FROM unnest(p_keys, p_by, p_at, p_forget_after_ms) WITH ORDINALITY
      AS counts (key, more, at, forget_after_ms, place) ORDER BY key COLLATE "C", place
  LOOP
    place := added.place;
    before := 0;
    IF added.more = 0 THEN
      SELECT known.count INTO before FROM ${counters} AS known
        WHERE known.key = added.key AND added.at - known.added_at < added.forget_after_ms;
      before := coalesce(before, 0);
    ELSE
      INSERT INTO ${counters} AS known (key, before, count, added_at, over_minute) VALUES
        (added.key, 0, added.more, added.at, (added.at + added.forget_after_ms) / 60000 + 1)
        ON CONFLICT (key) DO UPDATE SET
          before = CASE WHEN added.at - known.added_at < added.forget_after_ms THEN known.count ELSE 0 END,
          count = CASE WHEN added.at - known.added_at < added.forget_after_ms THEN known.count ELSE 0 END + added.more,
          added_at = greatest(known.added_at, excluded.added_at),
          over_minute = greatest(known.over_minute, excluded.over_minute)
        RETURNING known.before INTO before;
    END IF;
    RETURN NEXT;
  END LOOP;
END
`,
    ),
  ].join('\n')
}
