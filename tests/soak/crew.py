"""Celery's workers and beats, as a site runs them, to be killed, stalled and started anew."""

import os
import random
import signal
import subprocess
import sys
from itertools import count
from pathlib import Path

CELERY = [sys.executable, "-m", "celery", "-A", "digest_service"]


class Crew:
    """The processes of one site. What they print is in ``log``."""

    def __init__(self, environ: dict[str, str], log: Path) -> None:
        self.log = log
        self.workers: list[subprocess.Popen[bytes]] = []
        """The oldest first."""
        self._environ = environ
        self._beats: list[subprocess.Popen[bytes]] = []
        self._stalled: list[subprocess.Popen[bytes]] = []
        self._numbers = count(1)

    def start_workers(self, number: int) -> None:
        for _ in range(number):
            name = f"--hostname=w{next(self._numbers)}@localhost"
            self.workers.append(self._start("worker", "--concurrency=1", name))

    def start_beats(self, number: int) -> None:
        for _ in range(number):
            schedule = self.log.with_suffix(f".beat{next(self._numbers)}")
            self._beats.append(self._start("beat", f"--schedule={schedule}"))

    def kill_one(self) -> None:
        """SIGKILL one of the workers, and start another. Not the newest, which just begins."""
        victim = self.workers.pop(random.randrange(max(len(self.workers) - 1, 1)))
        _signal([victim], signal.SIGKILL)
        victim.wait()
        self.start_workers(1)

    def kill_workers(self) -> None:
        _signal(self.workers, signal.SIGKILL)
        for worker in self.workers:
            worker.wait()
        self.workers = []

    def all_live(self) -> bool:
        return all(process.poll() is None for process in self.workers + self._beats)

    def stall(self) -> None:
        """Stop all workers where they are; others may start."""
        _signal(self.workers, signal.SIGSTOP)
        self._stalled, self.workers = self.workers, []

    def wake(self) -> None:
        _signal(self._stalled, signal.SIGCONT)
        self._stalled, self.workers = [], self._stalled + self.workers

    def end_beats(self) -> None:
        for beat in self._beats:
            beat.kill()
            beat.wait()
        self._beats = []

    def close(self) -> None:
        self.end_beats()
        self.wake()
        self.kill_workers()

    def _start(self, *arguments: str) -> "subprocess.Popen[bytes]":
        with self.log.open("ab") as output:
            return subprocess.Popen(
                [*CELERY, *arguments],
                env=self._environ,
                stdout=output,
                stderr=output,
                start_new_session=True,  # so that a signal reaches a worker's child too
            )


def _signal(processes: "list[subprocess.Popen[bytes]]", number: signal.Signals) -> None:
    for process in processes:
        os.killpg(process.pid, number)
