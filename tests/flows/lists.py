"""Files of readers for the tests of importing."""

import datetime as dt

from subscriptions.flows.import_files import keep
from subscriptions.flows.importing import Fate, Plan, examine
from subscriptions.flows.reader_columns import guess
from subscriptions.flows.reader_file import read
from subscriptions.models import ImportFile

NOW = dt.datetime(2025, 10, 15, 12, tzinfo=dt.UTC)  # a Wednesday


def store(text: str | bytes, *, agreed: bool = True) -> ImportFile:
    content = text.encode() if isinstance(text, str) else text
    return ImportFile.objects.get(pk=keep(content, "list.csv", "Our old list", agreed, NOW))


def fates(text: str, *, agreed: bool = True) -> list[tuple[int, Fate, str]]:
    table = read(text.encode())
    plan = Plan(guess(table.names, ()), "Our old list", agreed)
    return [(one.row.line, one.fate, one.reason) for one in examine(table, plan, NOW)]
