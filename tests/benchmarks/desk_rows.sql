-- The rows of a large site, made by the database itself; desk.py fills in sizes and the day.

-- The same number from 0 to below "most" for the same "n" and "salt", whenever it is asked.
CREATE FUNCTION pg_temp.draw(n bigint, salt int, most int) RETURNS int LANGUAGE sql IMMUTABLE
    AS 'SELECT (hashint8(n * 1009 + salt) & 2147483647) % most';

CREATE TEMP TABLE word AS
SELECT n, coalesce(
    (string_to_array('model learning language image agent reasoning retrieval policy planning'
        ' diffusion robot graph quantum speech vision protein privacy video safety code', ' '))[n],
    translate(left(md5(n::text), 3 + n % 5), '0123456789abcdef', 'bdfgklmnprstaeio')
        || (ARRAY['ing', 'ation', 'al', 'ed', 's'])[1 + n % 5]) AS text
FROM generate_series(1, 6000) n;
CREATE INDEX ON word (n);
ANALYZE word;

CREATE TEMP TABLE sentence AS
SELECT n, (
    SELECT string_agg((SELECT text FROM word WHERE word.n = 1 + floor(
        6000 * power(pg_temp.draw(made.n * 40 + k, 1, 10000) / 10000::float, 4))::int), ' ')
    FROM generate_series(1, 16 + n % 12) k) || '.' AS text
FROM generate_series(1, 4000) made(n);
CREATE INDEX ON sentence (n);
ANALYZE sentence;

INSERT INTO subscriptions_topic
    (slug, name, "group", position, description, phrases, categories, status, loaded)
SELECT 'topic-' || n, 'Topic ' || initcap(text) || ' ' || n, 'Group ' || n % 8, n,
    'What is new in ' || text || '.', jsonb_build_array(text), '["cs.LG"]',
    CASE WHEN n % 15 = 0 THEN 'retired' ELSE 'offered' END, '{}'
FROM word WHERE n <= $topics ORDER BY n;

INSERT INTO subscriptions_edition (day, status, intro, released_at, hold_reason)
SELECT day::date, CASE WHEN day < $today THEN 'released' ELSE 'open' END, 'A *quiet* day.',
    CASE WHEN day < $today THEN day + interval '1 day' END, ''
FROM generate_series($today - $days, $today, '1 day') day;

INSERT INTO subscriptions_paper
    (arxiv_id, title, abstract, authors, categories, submitted, updated, version, url, code_url,
    tldr, raw, title_key, first_seen, trend, reach, hidden)
SELECT to_char(day, 'YYMM') || '.' || lpad((n % 100000)::text, 5, '0'),
    (SELECT initcap(left(text, 50 + made.n::int % 50)) FROM sentence
        WHERE sentence.n = 1 + pg_temp.draw(made.n, 2, 4000)),
    (SELECT string_agg((SELECT text FROM sentence
        WHERE sentence.n = 1 + pg_temp.draw(made.n * 10 + k, 3, 4000)), ' ')
        FROM generate_series(1, 6 + n % 4) k),
    (SELECT jsonb_agg(
        (SELECT initcap(text) FROM word
            WHERE word.n = 100 + pg_temp.draw(made.n * 10 + k, 4, 200)) || ' '
        || (SELECT initcap(text) FROM word
            WHERE word.n = 300 + pg_temp.draw(made.n * 10 + k, 5, 5000)))
        FROM generate_series(1, 1 + n % 6) k),
    jsonb_build_array((ARRAY['cs.LG', 'cs.CL', 'cs.CV', 'cs.RO', 'quant-ph'])[1 + n % 5]),
    day, day, 1, '', '', '', '{}', md5(n::text), day + interval '2 hours',
    log(1 + power(pg_temp.draw(n, 6, 1000) / 1000::float, 8) * 300)
        + (day - date '0001-01-01' + 1) / 5.0,
    CASE WHEN day > $today - 8 THEN pg_temp.draw(n, 7, 90000) END,
    CASE pg_temp.draw(n, 8, 100) WHEN 0 THEN 'off-topic' WHEN 1 THEN 'duplicate' ELSE '' END
FROM (SELECT n, $today - (($papers - n) * $days / $papers)::int AS day
    FROM generate_series(1::bigint, $papers) n) made ORDER BY n;

INSERT INTO subscriptions_listing (paper_id, source, announced, day)
SELECT paper.id, source, day, day
FROM subscriptions_paper paper, unnest(ARRAY['arxiv', 'hugging-face']) source,
    LATERAL (SELECT (paper.first_seen AT TIME ZONE 'UTC')::date AS day) seen
WHERE source = 'arxiv' OR paper.id % 7 = 0 ORDER BY paper.id;

INSERT INTO subscriptions_listingvotes (listing_id, date, count)
SELECT id, day + k, k * (1 + pg_temp.draw(id, 9, 20))
FROM subscriptions_listing, generate_series(0, 5) k WHERE source = 'hugging-face';

INSERT INTO subscriptions_pick (paper_id, day, position, note)
SELECT paper_id, day, row_number() OVER (PARTITION BY day ORDER BY id), 'Worth *reading*.'
FROM subscriptions_listing WHERE source = 'arxiv' AND id % 150 = 0;

INSERT INTO subscriptions_topicmatch (topic_id, paper_id, score, words)
SELECT DISTINCT ON (1, 2) topic.id, paper.id, 1.5 + k, topic.slug
FROM subscriptions_paper paper, generate_series(0, 2) k JOIN subscriptions_topic topic ON true
WHERE paper.first_seen > $today - 8
    AND topic.position = 1 + pg_temp.draw(paper.id * 3 + k, 10, $topics);

INSERT INTO subscriptions_topicmark (topic_id, paper_id, verdict, by_id, marked_at)
SELECT topic_id, paper_id, CASE WHEN id % 4 = 0 THEN 'wrong' ELSE 'right' END, $user, $today
FROM subscriptions_topicmatch WHERE id % 20 = 0;

INSERT INTO subscriptions_doubtfulpair (paper_id, other_id, status, found_at)
SELECT id, id + 1, CASE WHEN id % 1000 = 0 THEN 'open' ELSE 'different' END, first_seen
FROM subscriptions_paper WHERE id % 100 = 0 AND id < $papers;

INSERT INTO subscriptions_subscriber
    (email, status, cadence, weekday, hour, timezone, next_digest_at, covered_until, max_papers,
    sections_off, text_only, consent_version, consent_asked_at, consent_source, confirmed_at,
    feed_key)
SELECT (SELECT text FROM word WHERE word.n = 21 + pg_temp.draw(made.n, 13, 5000)) || '.'
        || (SELECT text FROM word WHERE word.n = 21 + pg_temp.draw(made.n, 14, 5000)) || n || '@'
        || (ARRAY['example.org', 'example.com', 'example.net'])[1 + n % 3],
    status, CASE WHEN n % 5 = 0 THEN 'daily' ELSE 'weekly' END, n % 7, n % 24, 'UTC',
    CASE WHEN status IN ('active', 'paused') THEN $today + (n % 168) * interval '1 hour' END,
    $today - 1 - (n % 7)::int, 10, '[]', n % 20 = 0, '1', asked, '',
    CASE WHEN status <> 'pending' THEN asked + interval '1 hour' END, md5(n::text)
FROM (SELECT n, $today - ($subscribers - n) * interval '400 days' / $subscribers AS asked,
    CASE WHEN pg_temp.draw(n, 11, 100) < 90 THEN 'active' ELSE (ARRAY['pending', 'paused',
        'unsubscribed', 'bounced', 'complained'])[1 + pg_temp.draw(n, 12, 5)] END AS status
    FROM generate_series(1::bigint, $subscribers) n) made ORDER BY n;

INSERT INTO subscriptions_interest (subscriber_id, kind, topic_id, value, weight)
SELECT reader.id, 'topic', topic.id, '', 2
FROM subscriptions_subscriber reader, generate_series(0, 1) k
    JOIN subscriptions_topic topic ON true
WHERE topic.position = 1 + k * ($topics / 2)
    + pg_temp.draw(pg_temp.draw(reader.id * 2 + k, 15, 900), 16, $topics / 2);

INSERT INTO subscriptions_interest (subscriber_id, kind, value, weight)
SELECT reader.id,
    CASE reader.id % 6 WHEN 0 THEN 'author' WHEN 2 THEN 'category' ELSE 'phrase' END,
    CASE reader.id % 6 WHEN 2 THEN 'cs.LG' ELSE a.text || ' ' || b.text END, 2
FROM subscriptions_subscriber reader
    JOIN word a ON a.n = 1 + pg_temp.draw(reader.id, 17, 400)
    JOIN word b ON b.n = 1 + pg_temp.draw(reader.id, 18, 400)
WHERE reader.id % 2 = 0;

-- Lists of ten papers each, which many digests of a week have in common.
CREATE TEMP TABLE list AS
SELECT week, n, (
    SELECT jsonb_agg(jsonb_build_object(
        'paper', greatest(1, $papers - week * ($papers * 7 / $days)
            - pg_temp.draw(made.n * 10 + k, 19, $papers * 7 / $days)),
        'section', CASE WHEN k < 3 THEN 'picks' WHEN k < 9 THEN 'matches' ELSE 'trending' END,
        'reason', 'Topic ' || k || ': ' || (SELECT text FROM word
            WHERE word.n = 1 + pg_temp.draw(made.n + k, 20, 60)) || ', ' || md5(n::text),
        'interest', n) ORDER BY k)
    FROM generate_series(1, 10) k) AS items
FROM generate_series(0, $digests - 1) week, generate_series(0::bigint, $lists - 1) made(n);
CREATE INDEX ON list (week, n);
ANALYZE list;

-- Half of all readers get theirs on one day of the week, the last day before today.
INSERT INTO subscriptions_delivery
    (subscriber_id, first_day, newest_day, items, kept_away, status, attempts, last_reply, retry_at,
    created_at, last_attempt_at, sent_at)
SELECT reader.id, day - 6, day, list.items, '{}', state.status, 1,
    CASE WHEN state.status = 'sent' THEN '250 2.0.0 Ok: queued as ' || left(md5(reader.id::text), 9)
        ELSE '451 4.7.1 Try again later' END,
    CASE WHEN state.status = 'deferred' THEN day + interval '40 hours' END,
    day + interval '32 hours', day + interval '33 hours',
    CASE WHEN state.status = 'sent' THEN day + interval '33 hours' END
FROM generate_series($digests - 1, 0, -1) made(week), subscriptions_subscriber reader,
    LATERAL (SELECT $today - 1 - greatest(reader.id % 14 - 7, 0)::int - 7 * made.week AS day) covered,
    LATERAL (SELECT pg_temp.draw(reader.id * 5 + made.week, 21, 1000) AS r) drawn,
    LATERAL (SELECT CASE WHEN r < 990 THEN 'sent' WHEN r < 995 THEN 'skipped'
        WHEN r < 997 THEN 'failed' WHEN day < $today - 1 THEN 'sent' WHEN r < 998 THEN 'deferred'
        WHEN r < 999 THEN 'queued' ELSE 'in_doubt' END AS status) state
    JOIN list ON true
WHERE list.week = made.week AND list.n = reader.id % $lists;

INSERT INTO subscriptions_editionreport (edition_id, figures, made_at)
SELECT edition.id, jsonb_build_object(
    'counted_at', $today::timestamptz, 'bounced', 9,
    'deliveries', jsonb_build_object('sent', 70000, 'failed', 300),
    'left', jsonb_build_object('unsubscribed', 50, 'bounced', 9, 'complained', 1),
    'papers', (SELECT jsonb_agg(jsonb_build_object('paper', id, 'picks', 9, 'matches', id,
        'trending', 5, 'more', 3, 'less', 1, 'save', 1)) FROM subscriptions_paper
        WHERE first_seen BETWEEN edition.day - 6 AND edition.day + 1 AND id % 3 = 0),
    'topics', (SELECT jsonb_agg(jsonb_build_object('topic', id, 'readers', id, 'papers', 9,
        'more', 3, 'less', 1, 'save', 1, 'left', 2)) FROM subscriptions_topic)), $today
FROM subscriptions_edition edition WHERE edition.day BETWEEN $today - 8 AND $today - 1;

INSERT INTO subscriptions_feedback (subscriber_id, paper_id, verdict, given_at)
SELECT 1 + pg_temp.draw(n, 22, $subscribers), 1 + pg_temp.draw(n, 23, $papers),
    (ARRAY['more', 'less', 'save'])[1 + n % 3], $today - (n % $days) * interval '1 day'
FROM generate_series(1::bigint, $feedback) n ON CONFLICT DO NOTHING;

INSERT INTO subscriptions_upvote (subscriber_id, paper_id, given_at)
SELECT subscriber_id, paper_id, given_at FROM subscriptions_feedback WHERE id % 10 = 0
ON CONFLICT DO NOTHING;

INSERT INTO subscriptions_submission
    (subscriber_id, arxiv_id, paper_id, status, submitted_at, decided_at)
SELECT said.subscriber_id, paper.arxiv_id, paper.id,
    CASE WHEN said.id % 400 = 0 THEN 'waiting' ELSE 'accepted' END, said.given_at,
    CASE WHEN said.id % 400 <> 0 THEN said.given_at END
FROM subscriptions_feedback said JOIN subscriptions_paper paper ON paper.id = said.paper_id
WHERE said.id % 40 = 0 ON CONFLICT DO NOTHING;

INSERT INTO subscriptions_wantedpaper (arxiv_id, status, asked_at)
SELECT '2401.' || lpad(n::text, 5, '0'), (ARRAY['waiting', 'found', 'missing'])[1 + n % 3], $today
FROM generate_series(1, 1000) n;

INSERT INTO subscriptions_suppression (email_hash, reason, created_at)
SELECT md5(n::text) || md5((-n)::text), (ARRAY['bounce', 'complaint', 'operator'])[1 + n % 3],
    $today
FROM generate_series(1, $subscribers / 30) n;

INSERT INTO subscriptions_movement (day, kind, count)
SELECT $today - n, kind, 500 + n
FROM generate_series(0, 400) n,
    unnest(ARRAY['joined', 'left', 'bounced', 'complained', 'erased']) kind;

INSERT INTO subscriptions_sourcerun
    (source, feed, part, origin, since, until, status, started_at, finished_at, requests, octets,
    new, updated, unchanged, rejected, newest_day, listed, rejections, cursor, error)
SELECT source, 'feed-of-' || source, 'cs', 'https://oaipmh.example/oai', hour::date, hour::date,
    state.status, hour AS started, hour + interval '1 minute', 5, 900000, 30, 5, 100, 20,
    hour::date, jsonb_build_object(hour::date, 700),
    (SELECT jsonb_agg(jsonb_build_array(k, 'title has no letter or digit: ' || md5(k::text)))
        FROM generate_series(1, 20) k),
    '', CASE state.status WHEN 'ok' THEN '' ELSE 'HTTP 503' END
FROM generate_series($today - $days, $today::timestamptz, '1 hour') hour,
    unnest(ARRAY['arxiv', 'hugging-face']) source,
    LATERAL (SELECT CASE WHEN extract(epoch FROM hour)::bigint / 3600 % 50 = 0
        THEN 'failed' ELSE 'ok' END AS status) state
ORDER BY started;

INSERT INTO django_admin_log
    (action_time, user_id, content_type_id, object_id, object_repr, action_flag, change_message)
SELECT $today - ($log - n) * interval '400 days' / $log, $user, kind.id,
    1 + pg_temp.draw(n, 24, $papers), 'Something', 2, 'Picked for a day.'
FROM generate_series(1::bigint, $log) n,
    (SELECT id FROM django_content_type WHERE model = 'paper') kind;
