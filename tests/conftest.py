import datetime as dt
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest
import stamina
from django.core.cache import caches
from django.core.management import call_command

from subscriptions.flows.choices import Choices
from subscriptions.flows.subscribe import confirm, sign_up
from subscriptions.matching import trend
from subscriptions.models import Listing, ListingVotes, Paper, Source, Subscriber, Topic
from subscriptions.web import guards
from tests.node import installed
from tests.pages import Site, make_site

ROOT = Path(__file__).resolve().parent.parent
MONDAY = dt.datetime(2025, 10, 13, 9, tzinfo=dt.UTC)
TOGETHER = {
    "browser": ("browser",),
    "mail": ("mail",),
    "processes": ("benchmarks", "deploy", "drill", "soak", "test_demo.py", "test_workers.py"),
}
"""What starts a browser or many processes, or keeps something for the next test: with xdist, one
worker runs it one after another.
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for group, names in TOGETHER.items():
            if not set(item.path.relative_to(ROOT).parts).isdisjoint(names):
                item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture(autouse=True)
def _nothing_kept_of_another_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process keeps the papers of a tick; here each test has papers of its own."""
    for module in ("digests.display", "digests.ledger", "digests.preview", "digests.select",
                   "digests.workbench", "flows.search"):  # fmt: skip
        monkeypatch.setattr(f"subscriptions.{module}._kept", None)
    for cache in caches.all():
        cache.clear()
    guards.forget()


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Requests to a source, here a local one, without pauses; a request is tried twice."""
    monkeypatch.setattr("subscriptions.sources.http.SPACING", 0)
    with stamina.set_testing(True, attempts=2):
        yield


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real inputs beside the repository."""
    folder = Path(os.environ.get("PAPER_ROUND_REAL_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        missing(f"the real inputs are not at {folder}")
    return folder


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A throw-away certificate for localhost, signed by itself, in one file with its key."""
    if not shutil.which("openssl"):
        missing("openssl is not installed")
    folder = tmp_path_factory.mktemp("tls")
    key, cert = folder / "key.pem", folder / "cert.pem"
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
            "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
            "-keyout", key, "-out", cert,
        ],
        check=True, capture_output=True,
    )  # fmt: skip
    both = folder / "both.pem"
    both.write_bytes(cert.read_bytes() + key.read_bytes())
    return both


@pytest.fixture(scope="session")
def node_modules() -> Path:
    """Where the programs of ``tests/node/package.json`` are."""
    try:
        return installed()
    except RuntimeError as error:
        missing(str(error))


def missing(what: str) -> NoReturn:
    """Skip for something this machine lacks; fail where ``REQUIRE_ALL`` says it must not."""
    if os.environ.get("REQUIRE_ALL"):
        pytest.fail(f"REQUIRE_ALL is set, and {what}")
    pytest.skip(what)


@pytest.fixture
def topics(db: None) -> dict[str, Topic]:
    """The starter topics by slug."""
    call_command("load_topics", verbosity=0)
    return {topic.slug: topic for topic in Topic.objects.all()}


@pytest.fixture
def make_paper(db: None) -> Callable[..., Paper]:
    """A paper listed on a day, with votes."""

    def make(
        title: str,
        day: dt.date = dt.date(2025, 10, 10),
        abstract: str = "",
        votes: int | None = None,
        source: Source = Source.HUGGING_FACE,
        **fields: object,
    ) -> Paper:
        number = Paper.objects.count() + 1
        fields.setdefault("arxiv_id", f"2510.{number:05}")
        paper = Paper.objects.create(
            title=title,
            abstract=abstract,
            first_seen=dt.datetime.combine(day, dt.time(), tzinfo=dt.UTC),
            trend=trend(votes or 0, day),
            **fields,
        )
        listing = Listing.objects.create(paper=paper, source=source, announced=day, day=day)
        if votes is not None:
            ListingVotes.objects.create(listing=listing, date=day, count=votes)
        return paper

    return make


def choices(**changes: object) -> Choices:
    values: dict[str, object] = {
        "topics": (),
        "phrases": (),
        "muted": (),
        "cadence": "weekly",
        "weekday": 0,
        "hour": 8,
        "timezone": "UTC",
    }
    return Choices(**{**values, **changes})  # type: ignore[arg-type]


@pytest.fixture
def make_reader(db: None) -> Callable[..., Subscriber]:
    """A confirmed reader who waits for their slot: weekly, Monday at 8:00 UTC by default."""

    def make(
        email: str = "ada@example.org",
        at: dt.datetime = MONDAY - dt.timedelta(days=1),
        **changes: object,
    ) -> Subscriber:
        subscriber = confirm(sign_up(email, choices(**changes), at).pk, at)
        assert subscriber is not None
        subscriber.next_digest_at = subscriber.next_slot(at)
        subscriber.save()
        return subscriber

    return make


@pytest.fixture
def site(
    topics: dict[str, Topic],
    make_paper: Callable[..., Paper],
    make_reader: Callable[..., Subscriber],
    django_capture_on_commit_callbacks: Any,
    settings: Any,
) -> Site:
    """Every kind of page and mail; see ``tests/pages.py``."""
    return make_site(make_paper, make_reader, django_capture_on_commit_callbacks, settings)
