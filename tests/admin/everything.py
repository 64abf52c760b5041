"""One of each model that the admin has, and the paths of all its pages about them."""

import datetime as dt
import re
from collections.abc import Iterator
from typing import Any

from axes.models import AccessAttempt, AccessLog
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.contrib.contenttypes.models import ContentType
from django.urls import URLResolver

from subscriptions.flows.subscribe import sign_up
from subscriptions.models import (
    Delivery,
    DomainDay,
    DomainPause,
    DoubtfulPair,
    Edition,
    EditionReport,
    Pick,
    Source,
    SourceRun,
    Submission,
    Subscriber,
    Suppression,
    Topic,
)
from tests.conftest import MONDAY, choices
from tests.flows.coming_back import came_back

ASKED = {
    "autocomplete": "?app_label=subscriptions&model_name=interest&field_name=topic",
    "subscriptions_paper_board_pick": "?paper={paper}",
}
"""What some pages want to know."""
Objects = dict[str, Any]


def one_of_each(make_paper: Any, make_reader: Any) -> Objects:
    """By the name of its model; and what its actions need."""
    today, before = MONDAY.date(), MONDAY.date() - dt.timedelta(days=1)
    paper, hidden = make_paper("Cups", today), make_paper("Mugs", before, hidden="off-topic")
    Edition.objects.roll(MONDAY)
    edition = Edition.objects.get(day=before)
    Edition.objects.exclude(status=Edition.Status.CLOSED).delete()  # it cannot be released
    figures = {"counted_at": MONDAY.isoformat(), "deliveries": {}, "bounced": 0, "left": {}}
    figures |= {"papers": [], "topics": []}
    EditionReport.objects.create(edition=edition, made_at=MONDAY, figures=figures)
    reader = make_reader(phrases=("cups",))
    sign_up("new@example.org", choices(), MONDAY)
    away = make_reader("away@example.org")
    Subscriber.objects.filter(pk=away.pk).update(status="paused", next_digest_at=None)
    rows = {"first_day": before, "newest_day": before, "created_at": MONDAY, "items": []}
    Delivery.objects.create(subscriber=reader, status="failed", **rows)
    rows["newest_day"] = today
    doubtful = Delivery.objects.create(subscriber=reader, status="in_doubt", **rows)
    Topic.objects.create(slug="mugs", name="Mugs", group="Tableware", status="retired")
    return {
        "paper": paper,
        "pick": Pick.objects.create(paper=hidden, day=today),
        "edition": edition,
        "topic": Topic.objects.create(slug="cups", name="Cups", group="Tableware"),
        "submission": Submission.objects.create(
            subscriber=reader, paper=paper, arxiv_id=paper.arxiv_id, submitted_at=MONDAY
        ),
        "doubtfulpair": DoubtfulPair.objects.create(paper=paper, other=hidden, found_at=MONDAY),
        "sourcerun": SourceRun.objects.create(
            source=Source.ARXIV, status="ok", started_at=MONDAY, finished_at=MONDAY
        ),
        "subscriber": reader,
        "suppression": Suppression.objects.create(
            email_hash="0" * 64, reason="operator", created_at=MONDAY
        ),
        "delivery": doubtful,
        "mailevent": came_back(reader, "soft", MONDAY, doubtful),
        "domainday": DomainDay.objects.create(day=today, domain="example.org", sent=2),
        "domainpause": DomainPause.objects.create(
            domain="example.org", reason="They asked.", since=MONDAY
        ),
        "user": User.objects.create_user("someone"),
        "group": Group.objects.create(name="Interns"),
        "accessattempt": AccessAttempt.objects.create(failures_since_start=1),
        "accesslog": AccessLog.objects.create(),
    }


def pages(objects: Objects) -> Iterator[tuple[str, str]]:
    """Name and path of all that the admin answers to."""
    for pattern, name in patterns(admin.site.get_urls()):
        model = next((word for word in pattern.split("/") if word in objects), "paper")
        values = {"content_type_id": ContentType.objects.get_for_model(objects[model]).pk}
        values |= dict.fromkeys(("pk", "id", "object_id"), objects[model].pk)
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", pattern).format(slug="papers", **values)
        yield name, f"/admin/{path}{ASKED.get(name, '').format(paper=objects['paper'].pk)}"


def patterns(urls: Any, before: str = "") -> Iterator[tuple[str, str]]:
    for url in urls:
        pattern = before + str(url.pattern)
        if isinstance(url, URLResolver):
            yield from patterns(url.url_patterns, pattern)
        elif url.name == "app_list":
            for label in {model._meta.app_label for model in admin.site._registry}:
                yield f"{label}/", f"app_list:{label}"
        elif pattern.endswith("(?P<url>.*)$"):
            yield before + "no/such/page/", "(what is nowhere)"
        else:
            yield pattern, url.name or "(from a number to its form)"
