"""A small site that has every kind of page and mail, for what must hold for all of them.

A new page is one more entry of ``Site.pages``; ``tests/web/test_headers.py`` asks for it.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.contrib.auth.models import User
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path, reverse
from django.utils import timezone
from lxml import html

from digest_service import urls
from subscriptions import links
from subscriptions.digests.tick import send_due
from subscriptions.flows import brakes
from subscriptions.flows.indexing import index_papers
from subscriptions.flows.troubles import tell_staff
from subscriptions.models import (
    AddressChange,
    Cause,
    Delivery,
    DomainPause,
    Edition,
    Pick,
    SignIn,
    SourceRun,
    Subscriber,
)
from tests.web.signing_in import sign_in

Make = Callable[..., Any]

PAPERS = [
    ("Cosmic voids <b>&", "Empty regions between clusters of galaxies, in two surveys."),
    ("Grasping with two hands", "Robot manipulation of cloth by imitation of a person."),
    ("Walking on sand", "Legged locomotion of a quadruped robot, trained in simulation."),
    ("Sorting waste", "A robot arm picks bottles from a belt; its gripper feels the weight."),
    ("Proteins that fold twice", "Structures predicted for sequences with two stable shapes."),
    ("Planning for a fleet", "Task and motion planning of mobile robots in a warehouse."),
]
NO_PAGE = {
    "daily-feed": "Atom",
    "export": "a file, by POST",
    "fresh": "POST leads to check-inbox",
    "healthz": "plain text, for a container's health check",
    "inbound": "plain text, for a mail server",
    "paper-bib": "a file",
    "preferences-account": "POST leads to sign-in",
    "preferences-feed": "POST leads to preferences",
    "preview": "a part of the sign-up page, which is looked at with it",
    "private-feed": "Atom",
    "proof": "JSON, for the sign-up page's script",
    "readyz": "JSON, for monitoring",
    "robots": "plain text, for search engines",
    "saved-bib": "a file",
    "sign-out": "POST leads to the sign-up page",
    "sitemap": "XML, for search engines",
    "sitemap-of": "XML, for search engines",
    "topic-feed": "Atom",
    "vote": "POST leads back to the page with the button",
    "withdraw": "POST leads to account",
}
"""Names of addresses that show no page of their own, and why."""


@dataclass(frozen=True)
class Site:
    """Paths of pages and the HTML of mails, by name.

    A page is named after its address in ``web/urls.py``, and after a dot what is special; a
    mail after its folder in ``templates/email/``. The client has a reader's session.
    """

    pages: dict[str, str]
    mails: dict[str, str]
    client: Client


def make_site(make_paper: Make, make_reader: Make, commit: Any, settings: Any) -> Site:
    """Papers of two days, a reader with a digest, one who has yet to confirm, one who left."""
    settings.ROOT_URLCONF = "tests.pages"  # with a page that is broken
    settings.SOURCES = ["arxiv-oai:cs"]
    now = timezone.now()
    yesterday = now.date() - dt.timedelta(days=1)
    papers = [
        make_paper(
            title,
            day=yesterday - dt.timedelta(days=n % 2),
            abstract=abstract,
            votes=3 * n,
            authors=["Ada Ito", "Bo Lee", "Cy Novak", "Di Okoro", "Eve Park"],
            categories=["cs.RO", "cs.LG"],
        )
        for n, (title, abstract) in enumerate(PAPERS)
    ]
    Edition.objects.roll(now)
    Edition.objects.filter(day=yesterday).update(
        intro="A *quiet* day:\n\n- one long read\n- [code](https://e.example/)"
    )
    Pick.objects.create(
        paper=papers[0], day=yesterday, note="> Worth an **evening**.\n\n[Code](https://e.example/)"
    )
    SourceRun.objects.create(
        source="arxiv", feed="arxiv-oai", part="cs", until=now, status=SourceRun.Status.FAILED,
        started_at=now - dt.timedelta(days=1), finished_at=now - dt.timedelta(days=1), error="500",
    )  # fmt: skip
    User.objects.create_user("staff", "staff@example.org", is_staff=True)

    client = Client(raise_request_exception=False)
    moved = make_reader("old@example.org", at=now - dt.timedelta(days=8))
    left = make_reader("left@example.org", at=now - dt.timedelta(days=8))
    with commit(execute=True):
        client.post(_path(links.UNSUBSCRIBE.url(left.pk)))
        for address in ("ada@example.org", "bo@example.org", "old@example.org"):
            _sign_up(client, address)
    reader = Subscriber.objects.get(email="ada@example.org")
    client.post(_path(links.CONFIRM.url(reader.pk)))
    pending = Subscriber.objects.get(email="bo@example.org")
    reader.refresh_from_db()
    send_due(max(now, reader.next_digest_at or now), timezone.now)
    tell_staff(now)
    DomainPause.objects.begin("mail.example", Cause.BOUNCES, "9 of 90 bounced: 10%", now)
    brakes.tell_staff(lambda: now)
    DomainPause.objects.all().delete()
    index_papers()
    delivery = Delivery.objects.get(subscriber=reader)
    digest, own = links.DIGEST.url(delivery.pk), links.PREFERENCES.url(reader.pk)
    client.post(_path(f"{digest}0/save/"))
    with commit(execute=True):
        _move(client, moved, "new@example.org")
        client.post(reverse("sign-in"), {"email": reader.email})
        sign_in(client, reader)
        client.post(reverse("change-address"), {"email": "newer@example.org"})
        client.post(reverse("vote", args=[papers[1].pk]))
        client.post(reverse("submit"), {"paper": "2501.00001"})
    moving = AddressChange.objects.get(subscriber=reader)

    pages = {
        "signup": "/",
        "signup.chosen": "/?topics=robotics",
        "check-inbox": reverse("check-inbox"),
        "confirm": links.CONFIRM.url(pending.pk),
        "confirm.done": links.CONFIRM.url(reader.pk),
        "confirm.gone": links.CONFIRM.url(left.pk),
        "confirm.problem": reverse("confirm", args=["nonsense"]),
        "preferences": own,
        "preferences.saved": f"{own}?saved",
        "saved": f"{own}saved/",
        "unsubscribe": links.UNSUBSCRIBE.url(reader.pk),
        "digest": digest,
        "digest-why": f"{digest}0/why/",
        "digest-paper": f"{digest}0/more/",
        "digest-paper.noted": f"{digest}0/save/",
        "archive": reverse("archive"),
        "edition": reverse("edition", args=[yesterday]),
        "week": reverse("week", args=[f"{yesterday:%G-W%V}"]),
        "topics": reverse("topics"),
        "topic": reverse("topic", args=["robotics"]),
        "paper": papers[0].get_absolute_url(),
        "search": reverse("search"),
        "search.found": reverse("search") + "?q=robot",
        "search.none": reverse("search") + "?q=zyzzyva",
        "submit": reverse("submit"),
        "submit.sent": reverse("submit") + "?sent",
        "sign-in": reverse("sign-in"),
        "sign-in.sent": reverse("sign-in") + "?sent",
        "sign-in-link": links.SIGN_IN.url(SignIn.objects.latest("pk").pk),
        "sign-in-link.used": links.SIGN_IN.url(0),
        "account": reverse("account"),
        "change-address": reverse("change-address"),
        "new-address": links.NEW_ADDRESS.url(moving.pk),
        "erase": reverse("erase"),
        "privacy": reverse("privacy"),
        "not-found": "/nowhere/",
        "server-error": "/broken/",
    }
    return Site({name: _path(url) for name, url in pages.items()}, _mails(), client)


def _sign_up(client: Client, address: str) -> None:
    """As a browser would: with all the form holds, and a topic ticked."""
    page = html.fromstring(client.get("/").content.decode())
    (form,) = (form for form in page.forms if form.method == "POST" and "email" in form.fields)
    topic = form.xpath(".//input[@name='topics'][contains(@value, 'robotics')]")[0].get("value")
    values = {**dict(form.form_values()), "email": address, "topics": topic, "cadence": "daily"}
    answer = client.post("/", values)
    assert answer.status_code == 302, answer.content.decode()


def _move(client: Client, reader: Subscriber, address: str) -> None:
    """Change a reader's address, all the way."""
    sign_in(client, reader)
    client.post(reverse("change-address"), {"email": address})
    client.post(_path(links.NEW_ADDRESS.url(AddressChange.objects.get().pk)))


def _mails() -> dict[str, str]:
    """The HTML of one mail of each kind."""
    kinds = {
        "address_changed": "go elsewhere now",
        "already_subscribed": "You are already subscribed",
        "confirmation": "Confirm your subscription",
        "digest": "Cosmic voids",
        "sending_paused": "Sending to mail.example",
        "new_address": "Confirm your new address",
        "sign_in": "Open your account",
        "source_health": "arXiv",
    }
    found = {}
    for message in mail.outbox:
        (kind,) = (kind for kind, words in kinds.items() if words in str(message.subject))
        assert isinstance(message, EmailMultiAlternatives)
        found[kind] = str(message.alternatives[0][0])
    return found


def _path(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def _broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("this page is broken")


urlpatterns = [path("broken/", _broken), *urls.urlpatterns]
handler404, handler500 = urls.handler404, urls.handler500
