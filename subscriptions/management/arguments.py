"""Arguments that several commands share."""

import datetime as dt
from argparse import ArgumentTypeError

from django.core.management.base import CommandParser
from django.utils import timezone


def add_now(parser: CommandParser) -> None:
    parser.add_argument(
        "--now",
        type=moment,
        default=timezone.now(),
        metavar="ISO-TIME",
        help="act as if it were this moment, like 2025-10-13T09:00:00Z (no zone: UTC)",
    )


def moment(text: str) -> dt.datetime:
    try:
        value = dt.datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(
            f"{text!r} is not an ISO 8601 time like 2025-10-13T09:00:00Z"
        ) from None
    return value if value.tzinfo else value.replace(tzinfo=dt.UTC)
