import os
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import InterfaceError, OperationalError
from django.utils import timezone

from subscriptions.flows.inbound import LARGEST, Taken, receive
from subscriptions.masking import mask


class Command(BaseCommand):
    help = (
        "Take one message from standard input, as a mail server pipes it: a bounce, a complaint, "
        "an unsubscribe, an answer. The exit status is 0 when it was looked at, 75 (EX_TEMPFAIL) "
        "where the database or the mail server is away, staff were sent enough mails of readers "
        "today, or BOUNCE_ADDRESS is not set, so that the mail server keeps it."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--recipient", metavar="ADDRESS", help="whom the mail server has it for"
        )

    def handle(self, *, recipient: str | None, **options: Any) -> None:
        message = sys.stdin.buffer.read(LARGEST)
        while sys.stdin.buffer.read(1 << 16):
            pass  # else the mail server's pipe would break
        if not settings.BOUNCE_ADDRESS:  # a pipe passes no environment on
            self.stderr.write(
                "not now: BOUNCE_ADDRESS is not set. The settings come from the environment: "
                "load .env in the script that calls this."
            )
            sys.exit(os.EX_TEMPFAIL)
        try:
            taken = receive(message, recipient, timezone.now())
        except (OperationalError, InterfaceError, ConnectionError) as error:
            self.stderr.write(f"not now: {mask(str(error)).strip()}")
            sys.exit(os.EX_TEMPFAIL)
        self.stdout.write(said(taken))


def said(taken: Taken) -> str:
    return f"{taken.value}; it is passed on to staff" if taken is Taken.FOR_STAFF else taken.value
