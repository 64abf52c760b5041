"""The pages of the staff, on the site of ``tests/pages.py`` with more of what they show."""

import datetime as dt

from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from subscriptions.digests import figures
from subscriptions.digests.outlook import look_ahead
from subscriptions.models import (
    Delivery,
    DomainDay,
    DomainPause,
    DoubtfulPair,
    Edition,
    Paper,
    Topic,
    WantedPaper,
)
from tests.flows.coming_back import came_back

ROWS = """Email Address,Confirm Time,Interests
ida@example.org,2024-05-01 09:30,Robotics
ida.b@example.org,2024-05-01,Robotics
bad@example,2024-05-01,Robotics
"""


def desk_pages(staff: Client, user: User) -> dict[str, str]:
    """Those that are our own, and some of the admin's lists and forms, by name.

    ``user`` is a superuser, logged in as ``staff``.
    """
    now = timezone.now()
    released = Edition.objects.released().latest("day")
    today = Edition.objects.get(status=Edition.Status.OPEN)
    first = Edition.objects.earliest("day").day
    closed = Edition.objects.create(day=first - dt.timedelta(days=1), status="closed")
    held = Edition.objects.create(day=now.date() + dt.timedelta(days=1))
    staff.post(_page("edition_hold", held.pk), {"reason": "waits for the chief editor"})
    papers = list(Paper.objects.order_by("pk"))
    DoubtfulPair.objects.create(paper=papers[0], other=papers[1], found_at=now)
    WantedPaper.objects.create(
        arxiv_id="2501.99999", status="missing", asked_at=now, pick_day=now.date()
    )
    DomainPause.objects.create(domain="example.net", reason="They asked for it.", since=now)
    DomainDay.objects.create(day=now.date(), domain="example.net", sent=900, hard=12, complaint=1)
    look_ahead(now)
    figures.count(released.pk, now, now)
    delivery = Delivery.objects.earliest("pk")
    event = came_back(delivery.subscriber, "soft", now, delivery)
    reader, topic = delivery.subscriber_id, Topic.objects.get(slug="robotics").pk
    other = Topic.objects.get(slug="hci").pk
    rows = staff.post(
        _page("subscriber_import"),
        {"file": SimpleUploadedFile("list.csv", ROWS.encode()), "consent_source": "Our old list"},
    )
    picked = f"picks={released.day}"
    why = f"delivery={delivery.pk}&paper={papers[0].arxiv_id}"
    return {
        "desk": reverse("admin:index"),
        "board": _page("paper_board"),
        "board of a released day": f"{_page('paper_board')}?{picked}",
        "note": f"{_page('paper_board_pick')}?paper={papers[0].pk}&{picked}",
        "papers": _page("paper_changelist"),
        "paper": _page("paper_change", papers[0].pk),
        "picks": _page("pick_changelist"),
        "editions": _page("edition_changelist"),
        "edition": _page("edition_change", released.pk),
        "open edition": _page("edition_change", today.pk),
        "closed edition": _page("edition_change", closed.pk),
        "held edition": _page("edition_change", held.pk),
        "preview": _page("edition_preview", released.pk),
        "figures": _page("edition_figures", released.pk),
        "topics": _page("topic_changelist"),
        "topic": _page("topic_change", topic),
        "workbench": _page("topic_workbench", topic),
        "new topic": _page("topic_workbench_new"),
        "draft": _page("topic_draft"),
        "merge": f"{_page('topic_merge', topic)}?into={other}",
        "subscribers": _page("subscriber_changelist"),
        "subscriber": _page("subscriber_change", reader),
        "why": f"{_page('subscriber_why', reader)}?{why}",
        "import": _page("subscriber_import"),
        "import of a file": rows["Location"],
        "export": f"{_page('subscriber_export')}?status__exact=active",
        "growth": _page("subscriber_growth"),
        "suppressions": _page("suppression_changelist"),
        "deliveries": _page("delivery_changelist"),
        "what came back": _page("mailevent_changelist"),
        "one that came back": _page("mailevent_change", event.pk),
        "domains": _page("domainday_changelist"),
        "pauses": _page("domainpause_changelist"),
        "pause of a domain": _page("domainpause_add"),
        "submissions": _page("submission_changelist"),
        "doubtful pairs": _page("doubtfulpair_changelist"),
        "source runs": _page("sourcerun_changelist"),
    }


def _page(name: str, *args: object) -> str:
    return reverse(f"admin:subscriptions_{name}", args=args)
