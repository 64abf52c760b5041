import datetime as dt
import gzip
import shutil
import sys
import textwrap
import time
import zlib
from argparse import ArgumentTypeError
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_domain_name
from django.utils import timezone

from subscriptions.digests import settle
from subscriptions.digests.progress import Counts, Progress, newest_day, progress
from subscriptions.flows.brakes import RESUME
from subscriptions.masking import mask
from subscriptions.models import Delivery, DomainPause, SendingPause, domain_of

BAR = 40
LONGEST_LINE = 1 << 16


class Command(BaseCommand):
    help = (
        "How far sending is, what was sent to whom, the newest last, and how many deliveries "
        "are in each state. Subcommands pause sending and settle what failed or is in doubt."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--last", type=_number, default=20, help="how many to list")
        parser.add_argument(
            "--watch", action="store_true", help="show the progress until all is sent; Ctrl-C ends"
        )
        commands = parser.add_subparsers(dest="do", metavar="pause | resume | retry | settle")
        pause = commands.add_parser("pause", help="send nothing until resumed; nothing is lost")
        pause.add_argument("--reason", default="", metavar="TEXT", help="shown while it lasts")
        resume = commands.add_parser("resume", help="end a pause")
        for of_one, only in ((pause, "only to this domain"), (resume, "only the one of a domain")):
            of_one.add_argument("--domain", type=_domain, metavar="NAME", help=only)
        retry = commands.add_parser("retry", help="queue again what failed of an edition")
        retry.add_argument("--day", type=_day, metavar="DATE", help="the newest unless given")
        by_log = commands.add_parser(
            "settle", help="settle what is in doubt by the mail server's log"
        )
        by_log.add_argument(
            "--log", nargs="+", action="extend", required=True, metavar="FILE",
            help="its logs of that time, also .gz; - is standard input",
        )  # fmt: skip

    def handle(self, *, do: str | None, last: int, watch: bool, **options: Any) -> None:
        if do == "pause":
            self._pause(options["domain"], options["reason"].strip() or "paused by hand")
        elif do == "resume":
            self._resume(options["domain"])
        elif do == "retry":
            self._retry(options["day"])
        elif do == "settle":
            self._settle(options["log"])
        elif watch:
            self._watch()
        else:
            self._show(last)

    def _show(self, last: int) -> None:
        now = progress(timezone.now())
        rows = Delivery.objects.select_related("subscriber").order_by("-pk")[:last]
        for line in _lines(now):
            self.stdout.write(line)
        for row in reversed(rows):
            days = f"{row.first_day} to {row.newest_day}"
            self.stdout.write(
                f"  {row.subscriber!s:<14} {days}  {len(row.items):>2} papers  "
                f"{row.get_status_display():<8} {mask(row.last_reply)}".rstrip()
            )
        self.stdout.write(_summary(now))

    def _watch(self) -> None:
        drawn, before = 0, ""
        try:
            while True:
                now = progress(timezone.now())
                if self.stdout.isatty():
                    width = shutil.get_terminal_size().columns - 1
                    wrapped = textwrap.TextWrapper(width, subsequent_indent="    ").wrap
                    lines = [part for line in _lines(now) for part in wrapped(line)]
                    back = f"\x1b[{drawn}F\x1b[J" if drawn else ""
                    self.stdout.write(back + "\n".join(lines))
                    drawn = len(lines)
                elif (line := _summary(now)) != before:
                    self.stdout.write(f"{line} {now.pace}".rstrip())
                    self.stdout.flush()
                    before = line
                if now.done:
                    return
                time.sleep(1)
        except KeyboardInterrupt:
            self.stdout.write("")

    def _pause(self, domain: str | None, reason: str) -> None:
        now = timezone.now()
        if domain:
            begun = settle.pause_domain(domain, reason, now)
            to, on = f"Sending to {domain}", f"{RESUME} --domain {domain}"
        else:
            begun, to, on = settle.pause(reason, now), "Sending", RESUME
        if begun:
            self.stdout.write(f"{to} is paused. To go on: {on}")
        else:
            there = DomainPause.objects.active().filter(domain=domain).first()
            self.stdout.write(f"Nothing to do: {mask(str(there or SendingPause.objects.get()))}")

    def _resume(self, domain: str | None) -> None:
        now = timezone.now()
        if not domain:
            done = settle.resume(now)
            self.stdout.write("Sending goes on with the next tick." if done else _no_pause())
        elif settle.resume_domain(domain, now):
            self.stdout.write(f"Sending to {domain} goes on with the next tick.")
        else:
            self.stdout.write(f"There is no pause of {domain}.")

    def _retry(self, day: dt.date | None) -> None:
        newest = newest_day()
        if newest is None:
            raise CommandError("there are no deliveries yet")
        if day and not Delivery.objects.filter(newest_day=day).exists():
            raise CommandError(f"no delivery is of {day}; the newest are of {newest}")
        count = settle.retry_failed(day)
        self.stdout.write(f"{count:,} failed of {day or newest} are queued again")

    def _settle(self, names: list[str]) -> None:
        done = settle.settle(_log_lines(names), timezone.now())
        if done == settle.Settled():
            self.stdout.write("Nothing is in doubt.")
        elif done.since is None or done.until is None:
            self.stdout.write(
                f"{done.sent:,} were in the log and are sent, "
                f"{done.queued:,} were not and are queued again"
            )
        else:
            span = f"from {done.since:%Y-%m-%d %H:%M:%S} to {done.until:%Y-%m-%d %H:%M:%S} UTC"
            why = (
                f"the log lacks {done.lacking:,} of the {done.known:,} that are known as sent "
                f"{span}: give all logs of that time, of all mail servers"
                if done.known
                else f"nothing else is known as sent {span} to check the log against: "
                "if it is the right one, send them again in the admin"
            )
            settled = f"{done.sent:,} were in the log and are sent, {done.queued:,} queued again"
            raise CommandError(f"{settled}; {done.left:,} stay in doubt: {why}")


def _no_pause() -> str:
    """That all sending does not pause, and how to end the pauses that there are."""
    paused = DomainPause.objects.active().order_by("domain").values_list("domain", flat=True)
    if not paused:
        return "There is no pause."
    lines = [f"  Not sent to {one}. To go on: {RESUME} --domain {one}" for one in paused]
    return "\n".join(["There is no pause of all sending.", *lines])


def _lines(now: Progress) -> list[str]:
    """The progress as a text of a few lines."""
    lines = []
    if now.day:
        full = BAR * now.percent // 100
        lines = [
            f"Edition of {now.day}  {'█' * full}{'░' * (BAR - full)}  {now.percent} %",
            f"  {_counted(now.counts)}",
        ]
        if now.pace:
            lines.append(f"  {now.pace}")
    if now.older:
        lines.append(f"Of older editions: {_counted(now.older)}")
    if now.pause:
        lines += [f"Sending is {mask(str(now.pause))}", f"  To go on: {RESUME}"]
    for pause in now.paused:
        lines += [
            f"Not sent to {pause.domain} since {pause.since:%Y-%m-%d %H:%M}: {mask(pause.reason)}",
            f"  To go on: {RESUME} --domain {pause.domain}",
        ]
    lines += map(str, now.uses)
    return lines


def _summary(now: Progress) -> str:
    """The progress in one line, without what moves by itself."""
    parts = [f"{now.day}: {_counted(now.counts)}"] if now.day else ["none yet"]
    if now.older:
        parts.append(f"older: {_counted(now.older)}")
    if now.pause:
        parts.append("paused")
    if now.paused:
        parts.append(f"not sent to {', '.join(pause.domain for pause in now.paused)}")
    return "; ".join(parts)


def _counted(counts: Counts) -> str:
    return ", ".join(f"{count:,} {status.label.lower()}" for status, count in counts.items())


def _log_lines(names: list[str]) -> Iterator[bytes]:
    for name in names:
        try:
            with _opened(name) as log:
                while line := log.readline(LONGEST_LINE):
                    yield line
        except (OSError, EOFError, zlib.error) as error:
            why = getattr(error, "strerror", None) or error
            raise CommandError(f"{name} cannot be read: {why}; nothing was changed") from None


def _opened(name: str) -> IO[bytes]:
    if name.endswith(".gz"):
        return gzip.open(name)  # type: ignore[return-value]  # reads bytes all the same
    if name != "-":
        return Path(name).open("rb")
    if sys.stdin.isatty():
        raise CommandError("- reads a log from a pipe, like journalctl -u 'postfix*' | ...")
    return sys.stdin.buffer


def _number(text: str) -> int:
    if not text.isdecimal():
        raise ArgumentTypeError(f"{text!r} is not a number from 0 up")
    return int(text)


def _domain(text: str) -> str:
    domain = domain_of(text.strip())
    try:
        validate_domain_name(domain)
    except ValidationError:
        raise ArgumentTypeError(f"{text!r} is not a domain like gmail.com") from None
    return domain


def _day(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a day like 2025-10-12") from None
