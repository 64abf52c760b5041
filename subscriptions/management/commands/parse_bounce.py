import json
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from subscriptions.delivery.bounces import parse
from subscriptions.delivery.reports import Kind, Report


class Command(BaseCommand):
    help = (
        "What messages that came back say: one line of JSON for each recipient, with file, "
        "address, kind (hard, soft, complaint, autoreply, delivered or unknown), status and "
        "reason. Changes nothing. A message that says nothing is of the kind unknown."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("files", nargs="+", metavar="FILE", help="- reads standard input")

    def handle(self, *, files: list[str], **options: Any) -> None:
        unreadable = []
        for name in files:
            try:
                content = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
            except (OSError, ValueError) as error:  # ValueError: a NUL in the name
                why = error.strerror if isinstance(error, OSError) else error
                unreadable.append(f"{name} cannot be read: {why}")
                continue
            for report in parse(content) or [Report("", Kind.UNKNOWN, reason="an ordinary mail")]:
                self.stdout.write(json.dumps(_line(name, report)))
        if unreadable:
            raise CommandError("\n".join(unreadable))


def _line(name: str, report: Report) -> dict[str, str]:
    return {
        "file": name,
        "address": report.address,
        "kind": report.kind,
        "status": report.status,
        "reason": report.reason,
    }
