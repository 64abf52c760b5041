import logging
import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import close_old_connections

from subscriptions.tasks import tick

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    help = "The clock of a site on one machine: what Celery beat does elsewhere."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--every", type=int, metavar="SECONDS", help="go on ticking; without it, tick once"
        )

    def handle(self, *, every: int | None, **options: Any) -> None:
        if every is None:
            tick.delay()
            return
        if every < 1:
            raise SystemExit("--every takes a number of seconds from 1 up")
        stop = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: stop.set())  # ends after the tick it is in
        while not stop.is_set():
            close_old_connections()
            try:
                tick.delay()
            except Exception:  # one bad tick must not end the clock; the next finds what is left
                logger.exception("this tick failed; the next one is in %s seconds", every)
            stop.wait(every)
