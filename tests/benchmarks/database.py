"""A PostgreSQL database of its own for each measurement, empty but for the tables."""

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import environ
import psycopg
from psycopg import sql

from tests import services


@cache
def server() -> str:
    """The URL of the tests' PostgreSQL, started if they run on another database."""
    return os.environ.get("DATABASE_URL") or services.start_postgresql()


@contextmanager
def fresh_database() -> Iterator[dict[str, str]]:
    """The environment of a process that is to use a new, migrated database."""
    name = f"benchmark_{uuid.uuid4().hex[:12]}"
    url = f"{server().rpartition('/')[0]}/{name}"
    variables = os.environ | {
        "DATABASE_URL": url,
        "DJANGO_SETTINGS_MODULE": "digest_service.settings",
    }
    _on_server("CREATE DATABASE {}", name)
    try:
        run(variables, "manage.py", "migrate", "--verbosity=0")
        yield variables
    finally:
        _on_server("DROP DATABASE {} WITH (FORCE)", name)


def run(variables: dict[str, str], *command: str) -> str:
    """What a Python process of its own prints. CalledProcessError where it fails."""
    program = [sys.executable, *command]
    return subprocess.run(
        program, env=variables, check=True, stdout=subprocess.PIPE, text=True
    ).stdout


def _on_server(statement: str, name: str) -> None:
    config = environ.Env.db_url_config(server())
    with psycopg.connect(
        host=config["HOST"],
        port=config["PORT"],
        user=config["USER"],
        dbname=config["NAME"],
        autocommit=True,
    ) as connection:
        connection.execute(sql.SQL(statement).format(sql.Identifier(name)))
