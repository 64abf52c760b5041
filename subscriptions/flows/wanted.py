"""Papers that readers or editors named by their arXiv id and that are not here yet."""

import datetime as dt
import logging
from collections.abc import Iterable, Iterator
from dataclasses import replace

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from subscriptions.models import Interest, Paper, SourceRun, Submission, Subscriber, WantedPaper
from subscriptions.sources import Found, SourceFormatError, Window, arxiv_api, feeds
from subscriptions.sources.http import FetchError, Http

from .curating import pick, still_to_come
from .fetch import BeingFetched, fetch
from .intake import TakenForDead
from .schedule import is_due

FEED = "arxiv-wanted"
EVERY = dt.timedelta(minutes=5)
AT_ONCE = 100
ASKED_AGAIN = dt.timedelta(days=7)
"""What arXiv does not have may be there after so long."""
MOST_REFUSED = 5
"""So many times in a row a request is made anew without the ids that arXiv refused it for."""

Status = WantedPaper.Status

logger = logging.getLogger(__name__)


def want(arxiv_ids: Iterable[str], now: dt.datetime) -> None:
    """Have these papers fetched, unless they were asked for lately and are not at arXiv."""
    wanted = list(arxiv_ids)
    rows = [WantedPaper(arxiv_id=arxiv_id, asked_at=now) for arxiv_id in wanted]
    WantedPaper.objects.bulk_create(rows, ignore_conflicts=True)
    again = Q(status=Status.FOUND) | Q(status=Status.MISSING, asked_at__lte=now - ASKED_AGAIN)
    before = WantedPaper.objects.filter(again, arxiv_id__in=wanted)
    before.update(status=Status.WAITING, asked_at=now)


def want_examples(subscriber: Subscriber, now: dt.datetime) -> None:
    """Have the example papers of a reader fetched that are not here."""
    want(_spare().filter(subscriber=subscriber).values_list("value", flat=True), now)


def want_pick(arxiv_id: str, day: dt.date, now: dt.datetime) -> None:
    """Have a paper fetched that is a pick of a day once it is here; arXiv is asked in any case."""
    WantedPaper.objects.update_or_create(
        arxiv_id=arxiv_id, defaults={"status": Status.WAITING, "asked_at": now, "pick_day": day}
    )


def forget_pick(arxiv_id: str) -> bool:
    """Have a paper be no pick when it comes; whether it was to be one."""
    rows = WantedPaper.objects.filter(arxiv_id=arxiv_id, pick_day__isnull=False)
    return bool(rows.update(pick_day=None))


def due(now: dt.datetime) -> bool:
    """Whether some came meanwhile, or arXiv can be asked for some."""
    return _arrived().exists() or (_may_ask(now) and _to_ask().exists())


def fetch_wanted(now: dt.datetime, base_url: str = "") -> None:
    """Ask arXiv for what is waited for, in one request, and link what is here now.

    Where it does not answer they go on waiting; a run says why. Where it refuses all for an id
    that it cannot read, it is asked at once for the others.
    """
    _link(now)
    if not _may_ask(now):
        return
    for _ in range(MOST_REFUSED + 1):
        ids = list(_to_ask().values_list("arxiv_id", flat=True)[:AT_ONCE])
        if not ids or not _refused(ids, now, base_url):
            return


def _refused(ids: list[str], now: dt.datetime, base_url: str) -> bool:
    """Ask for these; whether arXiv named some of them as nonsense, which are missing now."""

    def by_ids(http: Http, window: Window) -> Iterator[Found]:
        return arxiv_api.by_ids(http, ids)

    feed = replace(feeds()["arxiv-api"], name=FEED, fetch=by_ids, every=EVERY)
    try:
        fetch(feed, now, since=now.date(), until=now.date(), base_url=base_url)
        answered, refused = ids, False
    except BeingFetched:  # the next tick asks
        return False
    except (FetchError, SourceFormatError, TakenForDead) as error:
        logger.warning("arXiv could not be asked for what readers named: %s", error)
        said = {word.strip(".,:;") for word in str(error).split()}
        answered = [arxiv_id for arxiv_id in ids if arxiv_id in said]
        refused = bool(answered)
    _link(now)
    missing = WantedPaper.objects.filter(arxiv_id__in=answered, status=Status.WAITING)
    missing.update(status=Status.MISSING, asked_at=now)
    return refused


def _may_ask(now: dt.datetime) -> bool:
    if settings.SOURCES == ["none"]:
        return False
    last = SourceRun.objects.filter(feed=FEED).order_by("-pk").first()
    return is_due(last, EVERY, now)


def _to_ask() -> QuerySet[WantedPaper]:
    """What is waited for by somebody still, the longest waiting first."""
    put_forward = Submission.objects.filter(arxiv_id=OuterRef("arxiv_id"), paper=None)
    followed = _spare().filter(value=OuterRef("arxiv_id"))
    waiting = WantedPaper.objects.filter(status=Status.WAITING)
    to_pick = Q(pick_day__isnull=False)
    by_any = waiting.filter(Exists(put_forward) | Exists(followed) | to_pick)
    return by_any.order_by("asked_at", "pk")


def _spare() -> QuerySet[Interest]:
    """Example papers that are not here."""
    return Interest.objects.filter(kind=Interest.Kind.PAPER, paper=None)


def _arrived() -> QuerySet[WantedPaper]:
    here = Paper.objects.filter(arxiv_id=OuterRef("arxiv_id"))
    to_pick = Q(pick_day__isnull=False) & Exists(here.visible())
    return WantedPaper.objects.filter(Exists(here)).filter(~Q(status=Status.FOUND) | to_pick)


def _link(now: dt.datetime) -> None:
    """Have picks, submissions and example papers know the papers that are here now."""
    _pick(now.date())
    with transaction.atomic():
        ids = list(_arrived().values_list("arxiv_id", flat=True)[:1000])
        if not ids:
            return
        paper = Paper.objects.filter(arxiv_id=OuterRef("arxiv_id")).values("pk")
        Submission.objects.filter(arxiv_id__in=ids, paper=None).update(paper=Subquery(paper))
        spare = _spare().filter(value__in=ids)
        same = Interest.objects.filter(
            subscriber=OuterRef("subscriber"), paper__arxiv_id=OuterRef("value")
        )
        spare.filter(Exists(same)).delete()
        example = Paper.objects.filter(arxiv_id=OuterRef("value")).values("pk")
        spare.update(paper=Subquery(example), value="")
        WantedPaper.objects.filter(arxiv_id__in=ids).update(status=Status.FOUND)


def _pick(today: dt.date) -> None:
    """Make those picks that are here and not hidden, each for its day or the next to go out."""
    here = Paper.objects.visible().filter(arxiv_id=OuterRef("arxiv_id")).values("pk")
    to_pick = WantedPaper.objects.filter(pick_day__isnull=False).annotate(paper=Subquery(here))
    for row in to_pick.exclude(paper=None).order_by("pk"):
        pick([row.paper], still_to_come(row.pick_day or today, today), today)
        forget_pick(row.arxiv_id)
