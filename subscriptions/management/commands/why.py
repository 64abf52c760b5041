import datetime as dt
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from subscriptions.digests.account import Account, account
from subscriptions.management.arguments import add_now
from subscriptions.models import Paper, Section, Subscriber
from subscriptions.sources.ids import arxiv_id


class Command(BaseCommand):
    help = "Why a reader gets a paper in their coming digest, or does not: all that decides."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", metavar="EMAIL")
        parser.add_argument(
            "paper", metavar="ARXIV_ID", help="or the number in the address of the paper's page"
        )
        add_now(parser)

    def handle(self, *, email: str, paper: str, now: dt.datetime, **options: Any) -> None:
        reader = Subscriber.objects.filter(email__iexact=email).first()
        if reader is None:
            raise CommandError("nobody has signed up with this address")
        name, value = ("pk", paper) if paper.isdecimal() else ("arxiv_id", _id(paper))
        found = Paper.objects.filter((name, value)).first()
        if found is None:
            raise CommandError(f"there is no paper {value}")
        self.stdout.write(_told(found, account(reader, found, now)))


def _id(text: str) -> str:
    parsed = arxiv_id(text)
    if parsed is None:
        raise CommandError(f"{text!r} is no arXiv id; one is like 2310.01234 or math.AG/0601001")
    return parsed[0]


def _told(paper: Paper, found: Account) -> str:
    lines = [paper.title, f"For the digest of {found.days[0]} to {found.days[-1]}:"]
    for graded in found.graded:
        verdict = f"a match: {graded.reason}" if graded.reason else "no match"
        lines.append(
            f"  {graded.name} (weight {graded.weight}): grade {graded.grade:.1f}, {verdict}"
        )
        lines += [
            f"    {name:<26}{high:6.1f}" + (f"  counts {counts:.2f}" if counts != 1 else "")
            for name, counts, high in graded.standings
        ]
    lines += [f"  {reason}" for reason in found.against]
    if found.item:
        where = f"number {found.place}, under “{Section(found.item['section']).label}”"
        lines.append(f"It will be in it: {where}, because: {found.item['reason']}")
    elif found.against or not any(graded.reason for graded in found.graded):
        lines.append("It will not be in it.")
    else:
        lines.append("It will not be in it: others stand higher.")
    return "\n".join(lines)
