"""One edition that goes to all readers: its papers, its deliveries, and what is asked of them."""

import datetime as dt
from collections import Counter

from .servers import PostgreSQL

DUE = dt.timedelta(days=2)
"""How long ago the readers' slot came; the next comes a week after it."""

PAPERS = """
WITH paper AS (
    INSERT INTO subscriptions_paper (arxiv_id, title, abstract, authors, categories, first_seen,
        trend, hidden, url, code_url, tldr, raw, title_key)
    SELECT '2510.' || (10000 + n), 'Robot arms, number ' || n, '', '[]', '[]', now(), n, '', '',
        '', '', '{}', md5(n::text)
    FROM generate_series(1, 20) n RETURNING id)
INSERT INTO subscriptions_listing (paper_id, source, announced, day)
SELECT id, 'file', day, day
FROM (SELECT id, (%s::timestamptz AT TIME ZONE 'UTC')::date - 1 - id::int %% 5 AS day FROM paper) p
"""
READERS = """
WITH reader AS (
    INSERT INTO subscriptions_subscriber (email, status, cadence, weekday, hour, timezone,
        next_digest_at, max_papers, sections_off, text_only, consent_version, consent_source,
        consent_asked_at, confirmed_at)
    SELECT 'r' || n || '@example.org', 'active', 'weekly', %s, %s, 'UTC',
        now(), 10, '[]', false, '1', '', now(), now()
    FROM generate_series(1, %s) n RETURNING id)
INSERT INTO subscriptions_interest (subscriber_id, kind, value, weight)
SELECT id, 'phrase', 'robot arms', 2 FROM reader
"""


class Edition:
    """The deliveries of the readers of a site, read and changed as no part of the site does."""

    def __init__(self, postgresql: PostgreSQL, readers: int) -> None:
        self.query = postgresql.query
        self.readers = readers
        now = dt.datetime.now(dt.UTC)
        self._slot = now.replace(minute=0, second=0, microsecond=0) - DUE
        self.query(PAPERS, self._slot)
        self.query(READERS, self._slot.weekday(), self._slot.hour, readers)

    def begin(self) -> None:
        """Make all readers due who were sent nothing yet."""
        self.query("TRUNCATE subscriptions_delivery CASCADE")
        self.query(
            "UPDATE subscriptions_subscriber SET next_digest_at = %s, covered_until = NULL",
            self._slot,
        )
        self.query("VACUUM ANALYZE")

    def counts(self) -> Counter[str]:
        """Deliveries by state."""
        return Counter(
            dict(self.query("SELECT status, count(*) FROM subscriptions_delivery GROUP BY status"))
        )

    def states(self) -> dict[str, tuple[str, str, str]]:
        """Message-ID → status, last reply, and the reader's address."""
        rows = self.query(
            "SELECT d.id, d.status, d.last_reply, s.email FROM subscriptions_delivery d"
            " JOIN subscriptions_subscriber s ON s.id = d.subscriber_id"
        )
        return {
            f"<digest-{pk}@localhost>": (status, reply, email) for pk, status, reply, email in rows
        }

    def ids(self, status: str) -> set[str]:
        """The Message-IDs in a state."""
        return {message_id for message_id, (found, *_) in self.states().items() if found == status}

    def claims(self) -> dict[str, tuple[str, str]]:
        """Message-ID → status and token of what workers hold."""
        rows = self.query(
            "SELECT id, status, claim_token::text FROM subscriptions_delivery"
            " WHERE claim_token IS NOT NULL"
        )
        return {f"<digest-{pk}@localhost>": (status, token) for pk, status, token in rows}

    def windows(self) -> list[int]:
        """How many messages each worker is sending, by the ledger."""
        held = self.claims().values()
        return list(Counter(token for status, token in held if status == "sending").values())

    def expire_claims(self) -> None:
        """Let the leases of all workers be over."""
        self.query(
            "UPDATE subscriptions_delivery SET claim_expires_at = now() - interval '1 second'"
            " WHERE claim_token IS NOT NULL"
        )

    def set_retries(self, seconds: int) -> None:
        """Let what is deferred be due so many seconds from now."""
        self.query(
            "UPDATE subscriptions_delivery SET retry_at = now() + %s * interval '1 second'"
            " WHERE status = 'deferred'",
            seconds,
        )

    def pause(self) -> str:
        """Why nothing is being sent; empty where it is."""
        return "".join(
            reason for (reason,) in self.query("SELECT reason FROM subscriptions_sendingpause")
        )
