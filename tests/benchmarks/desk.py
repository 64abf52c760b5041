"""What the desk costs on a large site: every admin list and its filters, the board, the pages."""

import datetime as dt
import json
import logging
import statistics
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from .database import fresh_database, run
from .figures import Figure

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin
    from django.test import Client

SIZES = {
    "papers": 100_000, "subscribers": 1_000_000, "feedback": 200_000, "log": 200_000,
}  # fmt: skip
SAME = {"days": 140, "topics": 60, "digests": 5, "lists": 400}
"""Whatever the scale; each subscriber has so many digests, of ten papers each."""
TIMES, BAR = 30, "<300"
"""How often each page is asked for, once it is warm, and what it may take in ms."""
PAGES = "pages of one thing, forms and charts"
SLOW = 10
"""Seconds after which it is said what takes so long."""
CHOICES = 4
"""So many choices of each filter are tried."""
WORDS = {
    "subscriber": ["ma", "mati", "nobody@example.org", "77777"],
    "paper": ["diffusion", "diffusion robot", "2501.00001", "zyzzyva", "10.1234/x"],
}
"""What is searched for; elsewhere a word that is common and one that is not there."""


def measure_desk(scale: float) -> tuple[list[tuple[str, str]], list[Figure]]:
    """Each page through the whole stack, in a process that has shown it before."""
    with fresh_database() as variables:
        papers, readers = (round(SIZES[name] * scale) for name in ("papers", "subscribers"))
        print(f"desk: {papers:,} papers, {readers:,} readers", file=sys.stderr, flush=True)
        filled = _run(variables, "desk_fill", str(scale))
        times: dict[str, dict[str, list[float]]] = json.loads(
            run(variables, "-m", "tests.benchmarks.worker", "desk", str(scale))
        )["pages"]
    rows = [(f"desk of {papers:,} papers, {readers:,} readers: filled, large",
             f"{filled['seconds']:.0f} s, {filled['gb']:.1f} GB")]  # fmt: skip
    worst: dict[str, float] = {}
    for name, pages in times.items():
        each = {address: percentile(some) for address, some in pages.items()}
        slowest = max(each, key=lambda address: each[address])
        median = statistics.median(one for some in pages.values() for one in some)
        rows.append((f"  {name}, {len(pages)} addresses: median; p95 of the slowest",
                     f"{median:.0f}; {each[slowest]:.0f} ms"))  # fmt: skip
        print(f"{name}: {each[slowest]:.0f} ms {slowest}", file=sys.stderr)
        kind = "page" if name == PAGES else "list"
        worst[kind] = max(worst.get(kind, 0), each[slowest])
    return rows, [Figure(f"desk_{kind}_ms", worst[kind], BAR) for kind in ("list", "page")]


def percentile(times: list[float]) -> float:
    """The 95th."""
    return sorted(times)[min(len(times) - 1, int(len(times) * 0.95))]


def make(scale: str) -> dict[str, float]:
    """Fill an empty database; how large it is then, in 10⁹ octets."""
    from django.contrib.auth.models import User
    from django.db import connection

    from subscriptions.flows.indexing import index_papers, unindexed

    operator = User.objects.create_superuser("operator")
    sizes = {name: max(round(full * float(scale)), 1) for name, full in SIZES.items()}
    today = f"date '{dt.datetime.now(dt.UTC).date()}'"
    rows = Template(Path(__file__).with_name("desk_rows.sql").read_text(encoding="utf-8"))
    script = rows.substitute(sizes, **SAME, user=operator.pk, today=today)
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off")
        for statement in filter(str.strip, script.split(";\n")):
            begun = time.perf_counter()
            cursor.execute(statement)
            if (took := time.perf_counter() - begun) > SLOW:
                print(f"{took:.0f} s: {statement.strip():.60}", file=sys.stderr, flush=True)
        while unindexed().exists():
            index_papers()
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("SELECT pg_database_size(current_database())")
        return {"gb": cursor.fetchone()[0] / 1e9}


def ask(scale: str) -> dict[str, Any]:
    """Milliseconds of each address, by what it is an address of."""
    from django.contrib.auth.models import User
    from django.test import Client

    from subscriptions.web.ready import make_ready

    make_ready()  # as each process of the site does first
    logging.disable(logging.WARNING)  # of pages that only take what is posted
    client = Client(SERVER_NAME="localhost")
    client.force_login(User.objects.get(username="operator"))
    found: dict[str, dict[str, list[float]]] = {}
    whole = float(scale) >= 1
    for name, address, times in islice(_addresses(client), 0, None, 1 if whole else 3):
        timed = _timed(client, address, times if whole else 0)
        found.setdefault(name, {})[address] = timed
    return {"pages": found}


def _timed(client: "Client", address: str, count: int) -> list[float]:
    """Milliseconds of ``count`` requests after the first; of that alone for none."""
    times = []
    for _ in range(count + 1):
        begun = time.perf_counter()
        page = client.get(address)
        times.append((time.perf_counter() - begun) * 1000)
        assert page.status_code == 200, address
    return times[1:] or times


def _addresses(client: "Client") -> Iterator[tuple[str, str, int]]:
    """What they are addresses of, themselves, and how often to ask for each."""
    from django.contrib import admin
    from django.urls import reverse

    for model, its_admin in admin.site._registry.items():
        label = f"{model._meta.app_label}_{model._meta.model_name}"
        name = f"list of {model._meta.verbose_name_plural}"
        base = reverse(f"admin:{label}_changelist")
        yield name, base, TIMES
        for query in _variants(client, base, its_admin):
            yield name, f"{base}?{query}", TIMES // 3
        for address in _pages(its_admin):
            if client.get(address).status_code == 200:
                yield PAGES, address, TIMES // 3
        for field in its_admin.autocomplete_fields:
            asked = {"app_label": model._meta.app_label, "model_name": model._meta.model_name}
            asked |= {"field_name": field, "term": "robot"}
            yield "autocompletes", f"{reverse('admin:autocomplete')}?{urlencode(asked)}", TIMES
    yield "the desk", reverse("admin:index"), TIMES
    board = reverse("admin:subscriptions_paper_board")
    today = dt.datetime.now(dt.UTC).date()
    days = [today - dt.timedelta(days=n) for n in (0, 1, 30)]
    queries = ["", *(f"day={day}" for day in days), "topic=1", "topic=1&q=model",
               "q=diffusion+robot", "q=zyzzyva", "source=arxiv&state=undecided",
               "state=hidden"]  # fmt: skip
    for query in queries:
        yield "the board", f"{board}?{query}", TIMES
    first: Any = client.get(board)
    yield "the board", f"{board}?{first.context_data['next_page']}", TIMES


def _pages(its_admin: "ModelAdmin[Any]") -> Iterator[str]:
    """Of the newest row but one, and of none; among them some that only take what is posted."""
    from django.urls import reverse

    newest = its_admin.model._default_manager.order_by("-pk")[:2]
    pks = [row.pk for row in newest][-1:]
    for pattern in its_admin.get_urls():
        arguments = len(pattern.pattern.converters)
        if pattern.name and "changelist" not in pattern.name and arguments <= len(pks):
            yield reverse(f"admin:{pattern.name}", args=pks[:arguments])


def _variants(client: "Client", base: str, its_admin: "ModelAdmin[Any]") -> Iterator[str]:
    """The query strings of a list's filters, orders, pages and searches."""
    page: Any = client.get(base)
    shown = page.context_data["cl"]
    pages = shown.paginator.num_pages
    yield from (f"p={page}" for page in sorted({2, pages}) if 1 < page <= pages)
    for filters in shown.filter_specs:
        choices = [choice["query_string"] for choice in filters.choices(shown)]
        yield from (query.lstrip("?") for query in choices[1 : CHOICES + 1] if query.strip("?"))
    columns = its_admin.get_sortable_by(page.wsgi_request)
    for number, column in enumerate(shown.list_display):
        if column in columns and shown.get_ordering_field(column):
            yield from (f"o={number}", f"o=-{number}")
    if its_admin.search_fields:
        for word in WORDS.get(str(its_admin.opts.model_name), ["model", "zyzzyva"]):
            yield urlencode({"q": word})


def _run(variables: dict[str, str], *command: str) -> dict[str, float]:
    measured: dict[str, float] = json.loads(
        run(variables, "-m", "tests.benchmarks.worker", *command)
    )
    return measured
