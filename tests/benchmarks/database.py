"""A PostgreSQL database of its own for each measurement, empty but for the tables."""

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import LiteralString

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
    name = _name()
    _on_server("CREATE DATABASE {} TEMPLATE {}", name, _migrated())
    try:
        yield _variables(name)
    finally:
        _on_server("DROP DATABASE {} WITH (FORCE)", name)


@cache
def _migrated() -> str:
    """A database that is migrated once and then only copied; it goes with its server."""
    name = _name()
    _on_server("CREATE DATABASE {}", name)
    run(_variables(name), "manage.py", "migrate", "--verbosity=0")
    return name


def _name() -> str:
    return f"benchmark_{uuid.uuid4().hex[:12]}"


def _variables(name: str) -> dict[str, str]:
    return os.environ | {
        "DATABASE_URL": f"{server().rpartition('/')[0]}/{name}",
        "DJANGO_SETTINGS_MODULE": "digest_service.settings",
    }


def run(variables: dict[str, str], *command: str) -> str:
    """What a Python process of its own prints. CalledProcessError where it fails."""
    program = [sys.executable, *command]
    return subprocess.run(
        program, env=variables, check=True, stdout=subprocess.PIPE, text=True
    ).stdout


def _on_server(statement: LiteralString, *names: str) -> None:
    config = environ.Env.db_url_config(server())
    with psycopg.connect(
        host=config["HOST"],
        port=config["PORT"],
        user=config["USER"],
        dbname=config["NAME"],
        autocommit=True,
    ) as connection:
        connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))
