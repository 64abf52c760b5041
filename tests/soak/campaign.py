"""An edition on its way: the mail server, the workers, and what must be true whenever they rest."""

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.database import run
from tests.services import wait_until

from .crew import Crew
from .edition import Edition
from .servers import PostgreSQL, Redis, running_postgresql, running_redis
from .sink import Event, Sink

SWEEP_LATER = """
from django.utils import timezone
from subscriptions.digests.ledger import LEASE, sweep
sweep(timezone.now() + LEASE)
"""
PATIENCE = 120
MOVING = {"queued", "sending"}
STILL = 1.5
"""Seconds without a change that nothing but rest explains."""
MAY_HAVE_GONE = {"sent", "sending", "in_doubt"}
"""What is in another state is sent again, or never."""


@dataclass(frozen=True)
class Size:
    readers: int
    kills: int
    workers: int
    window: int
    """``DELIVERY_WINDOW``; a worker holds ten at once."""


@dataclass(frozen=True)
class Site:
    size: Size
    postgresql: PostgreSQL
    redis: Redis
    edition: Edition
    sink: Sink
    crew: Crew
    environ: dict[str, str]


@contextmanager
def running_site(size: Size, folder: Path) -> Iterator[Site]:
    """Servers of its own, and readers who follow what the papers are about; no worker yet."""
    with (
        closing(Sink(folder / "sink.log")) as sink,
        running_postgresql() as postgresql,
        running_redis() as redis,
    ):
        environ = os.environ | {
            "DATABASE_URL": postgresql.url,
            "REDIS_URL": redis.url,
            "EMAIL_URL": f"smtp://127.0.0.1:{sink.port}",
            "DJANGO_SETTINGS_MODULE": "digest_service.settings",
            "DELIVERY_WINDOW": str(size.window),
            "TICK_SECONDS": "1",
        }
        run(environ, "manage.py", "migrate", "--verbosity=0")
        edition = Edition(postgresql, size.readers)
        with closing(Crew(environ, folder / "celery.log")) as crew:
            yield Site(size, postgresql, redis, edition, sink, crew, environ)


class Campaign:
    """One edition of a site going out, whatever a scenario does to it."""

    def __init__(self, site: Site) -> None:
        self.site, self.size, self.edition, self.crew = site, site.size, site.edition, site.crew
        self.dials, self.log = site.sink.dials, site.sink.log
        self._earlier = self.dials.accepted.value, len(site.sink.events())

    def begin(self) -> None:
        """Make all readers due, with no task waiting."""
        self.site.redis.flush()
        self.edition.begin()

    @property
    def accepted(self) -> int:
        """How many messages the mail server took."""
        return self.dials.accepted.value - self._earlier[0]

    def events(self) -> list[Event]:
        return self.site.sink.events()[self._earlier[1] :]

    def slow_down(self, seconds: float) -> None:
        """Make the mail server so slow that the edition takes this long, if nothing else does."""
        self.dials.delay.value = seconds * self.size.workers / self.size.readers

    def wait(self, condition: Callable[[], object], what: str) -> None:
        """AssertionError where it is not so in time, with what might tell why."""
        try:
            wait_until(condition, what, PATIENCE)
        except AssertionError:
            raise AssertionError(
                f"not within {PATIENCE} seconds: {what}; {dict(self.edition.counts())}, "
                f"{self.accepted} accepted {self.edition.pause()}\n"
                f"{self.crew.log.read_text()[-2000:]}"
            ) from None

    def wait_for_accepted(self, number: int) -> None:
        self.wait(lambda: self.accepted >= number, f"{number} messages accepted")

    def wait_for_rest(self) -> None:
        """Until nothing moves any more, because no worker has anything that it could send."""
        seen: tuple[Counter[str], int] | None = None
        since = 0.0

        def still() -> bool:
            nonlocal seen, since
            counts, accepted = self.edition.counts(), self.accepted
            if seen != (counts, accepted):
                seen, since = (counts, accepted), time.monotonic()
            done = counts.total() == self.size.readers and not counts.keys() & MOVING
            return done and time.monotonic() - since > STILL

        self.wait(still, "nothing queued or being sent")
        self.wait_for_line()
        self.examine()

    def run(self, *command: str) -> str:
        """A command of ``manage.py``."""
        return run(self.site.environ, "manage.py", *command)

    def script(self, text: str) -> None:
        self.run("shell", "--no-imports", "--command", text)

    def wait_for_line(self) -> None:
        """Until the server has read all that was written to it."""
        self.wait(lambda: not self.dials.lines.value, "all connections ended")

    def pass_time(self) -> None:
        """Give back what dead workers held, as if their leases were over."""
        self.script(SWEEP_LATER)

    def examine(self) -> None:
        """The ledger and the log agree: nothing went twice, or will."""
        twice = self.twice()
        assert not twice, f"{len(twice)} accepted more than once: {twice[:20]}"
        taken = self.taken()
        wrong = [
            f"{message_id} is {status} and was {'' if message_id in taken else 'not '}accepted"
            for message_id, (status, _, _) in self.edition.states().items()
            if (message_id in taken and status not in MAY_HAVE_GONE)
            or (message_id not in taken and status == "sent")
        ]
        assert not wrong, f"{len(wrong)} wrong in the ledger: {wrong[:20]}"

    def taken(self) -> Counter[str]:
        """How often each Message-ID was accepted."""
        return Counter(event.message_id for event in self.events() if event.message_id)

    def twice(self) -> list[str]:
        return [message_id for message_id, times in self.taken().items() if times > 1]

    def missing(self) -> set[str]:
        """The readers whose digest was neither accepted nor refused for good."""
        last = {event.recipient: event.answer for event in self.events()}
        taken, states = self.taken(), self.edition.states()
        assert len(states) == self.size.readers, f"{len(states)} deliveries"
        return {
            email
            for message_id, (status, _, email) in states.items()
            if message_id not in taken and not (status == "failed" and last[email] == "554")
        }

    def settle(self) -> int:
        """Settle what is in doubt by the log; how many that were."""
        in_doubt = self.edition.counts()["in_doubt"]
        self.run("deliveries", "settle", "--log", str(self.log))
        left = self.edition.counts()["in_doubt"]
        assert not left, f"{left} of {in_doubt} are in doubt after settling"
        return in_doubt

    def finish(self) -> None:
        """Send what is left, at full speed."""
        self.dials.delay.value = 0
        self.wait(
            lambda: (
                (counts := self.edition.counts()).total() == self.size.readers
                and counts.keys() <= {"sent", "failed"}
            ),
            "all sent, or failed",
        )
        self.wait_for_line()
        self.examine()
