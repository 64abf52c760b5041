"""A week of papers, and readers whose digests are due, in a fresh database."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import environ
import psycopg

from .database import run

REAL = Path(os.environ.get("PAPER_ROUND_REAL_DATA", Path(__file__).parents[3] / "shared" / "data"))
DAYS = [f"2025-10-{day:02}" for day in range(6, 11)]
NOW = "2025-10-13T09:00:00+00:00"

READERS = """
INSERT INTO subscriptions_subscriber (email, status, cadence, weekday, hour, timezone,
    next_digest_at, max_papers, sections_off, text_only, consent_version, consent_source,
    consent_asked_at, confirmed_at)
SELECT 'reader' || n || '@example.org', 'active', 'weekly', 0, 8, 'UTC',
    '2025-10-13 08:00Z', 10, '[]', false, '1', '', '2025-09-01Z', '2025-09-01Z'
FROM generate_series(%(first)s::int, %(last)s::int) n
"""
TOPICS = """
INSERT INTO subscriptions_interest (subscriber_id, kind, topic_id, value, weight)
SELECT DISTINCT s.id, 'topic', t.topics[1 + (s.id * 31 + k * 17) %% cardinality(t.topics)], '', 2
FROM subscriptions_subscriber s, generate_series(0, 4) k,
    (SELECT array_agg(id ORDER BY id) AS topics FROM subscriptions_topic) t
WHERE k <= s.id %% 5
"""
PHRASES = """
INSERT INTO subscriptions_interest (subscriber_id, kind, value, weight)
SELECT s.id, 'phrase', w.words[1 + s.id %% 20] || ' ' || w.words[1 + (s.id / 7) %% 20], 2
FROM subscriptions_subscriber s, (SELECT string_to_array('diffusion,language,robot,graph,'
    'quantum,speech,vision,protein,privacy,video,policy,model,learning,image,agent,reasoning,'
    'retrieval,safety,code,planning', ',') AS words) w
WHERE s.id %% 3 = 0
"""


def fill(variables: dict[str, str], readers: int) -> None:
    """The real week of papers, the starter topics, and readers of both.

    Each reader follows one to five topics, a third of them a phrase of two words too.
    """
    if not REAL.is_dir():
        raise SystemExit(f"the week of papers is not at {REAL}; PAPER_ROUND_REAL_DATA names it")
    for form, end in (("hf-daily", "json"), ("arxiv-listing", "jsonl")):
        files = [str(REAL / form / f"{day}.{end}") for day in DAYS]
        run(variables, "manage.py", "import_papers", *files, f"--format={form}", f"--now={NOW}")
    run(variables, "manage.py", "load_topics", "--verbosity=0")
    add_readers(variables, 1, readers)


def add_readers(variables: dict[str, str], first: int, last: int) -> None:
    with connect(variables) as connection:
        connection.execute(READERS, {"first": first, "last": last})
        connection.execute("DELETE FROM subscriptions_interest")
        connection.execute(TOPICS, {})
        connection.execute(PHRASES, {})
    with connect(variables) as connection:
        connection.execute("VACUUM ANALYZE")


def start_again(variables: dict[str, str]) -> None:
    """All readers due again, and nothing sent."""
    with connect(variables) as connection:
        connection.execute("TRUNCATE subscriptions_delivery CASCADE")
        connection.execute(
            "UPDATE subscriptions_subscriber SET next_digest_at = '2025-10-13 08:00Z',"
            " covered_until = NULL"
        )
        connection.execute("VACUUM ANALYZE")


def connect(variables: dict[str, str]) -> "psycopg.Connection[Any]":
    config = environ.Env.db_url_config(variables["DATABASE_URL"])
    return psycopg.connect(
        host=config["HOST"],
        port=config["PORT"],
        user=config["USER"],
        dbname=config["NAME"],
        autocommit=True,
    )


def together(variables: dict[str, str], commands: list[list[str]]) -> list[dict[str, float]]:
    """What processes of ``worker`` measured that began their work at one moment."""
    program = [sys.executable, "-m", "tests.benchmarks.worker"]
    started = [
        subprocess.Popen(
            [*program, *command, "wait"],
            env=variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for command in commands
    ]
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n", "a worker did not start"
    for process in started:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    answers = [process.communicate()[0] for process in started]
    if failed := [process.returncode for process in started if process.returncode]:
        raise RuntimeError(f"{len(failed)} workers failed")
    return [json.loads(answer) for answer in answers]
