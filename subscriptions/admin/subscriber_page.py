"""What the page of one subscriber shows beside the form."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.paginator import Page
from django.db.models import QuerySet
from django.http import QueryDict

from subscriptions.flows.soft_bounces import soft_run
from subscriptions.models import (
    READING,
    Delivery,
    Item,
    Paper,
    Section,
    SignInRequest,
    Subscriber,
    Suppression,
    Topic,
)

from .paging import CappedPaginator

A_PAGE = 10


def page_of(reader: Subscriber, asked: QueryDict, now: dt.datetime) -> dict[str, Any]:
    """Consent, schedule and history; a fixed number of queries. ``asked`` names the pages."""
    deliveries = _page(reader.deliveries.order_by("-newest_day"), asked.get("deliveries"))
    said = reader.feedback.select_related("paper", "interest__topic", "interest__paper")
    waiting = SignInRequest.objects.filter(email__iexact=reader.email)
    return {
        "suppression": Suppression.objects.of(reader.email),
        "slots": _slots(reader),
        "deliveries": deliveries,
        "digests": _with_papers(list(deliveries)),
        "events": _page(reader.mail_events.order_by("-pk"), asked.get("events")),
        "soft_bounces": soft_run(reader, now).length,
        "most_soft_bounces": settings.SOFT_BOUNCES,
        "feedback": _page(said.order_by("-given_at", "-pk"), asked.get("feedback")),
        "sign_ins": [*waiting, *reader.sign_ins.order_by("-pk")],
        "moves": reader.address_changes.order_by("-pk"),
        "topics": Topic.objects.offered().values_list("name", flat=True),
    }


def _page(rows: QuerySet[Any], number: str | None) -> Page[Any]:
    return CappedPaginator(rows, A_PAGE).get_page(number)


def _slots(reader: Subscriber) -> list[dt.datetime]:
    """The next digest's and that after it, as the choices are now."""
    if reader.status not in READING or reader.next_digest_at is None:
        return []
    return [reader.next_digest_at, reader.next_slot(reader.next_digest_at)]


def _with_papers(rows: Sequence[Delivery]) -> list[tuple[Delivery, list[tuple[Item, Paper, str]]]]:
    """Each delivery with its items that are here still, their papers and sections."""
    wanted = {item["paper"] for row in rows for item in row.items}
    papers = Paper.objects.only("title").in_bulk(wanted)
    return [
        (
            row,
            [
                (item, papers[item["paper"]], str(Section(item["section"]).label))
                for item in row.items
                if item["paper"] in papers
            ],
        )
        for row in rows
    ]
