"""From a delivery to the message its reader gets."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from email.utils import format_datetime
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.urls import reverse
from django.utils.text import Truncator

from subscriptions import emails, links
from subscriptions.models import Delivery, Edition, Listing, Paper, Pick, Section

ABSTRACT_LENGTH = 320
HEADLINE_LENGTH = 70


@dataclass(frozen=True)
class Content:
    """What the items of some deliveries refer to, as it is now; no hidden papers."""

    papers: dict[int, Paper]
    notes: dict[tuple[int, dt.date], str]
    intros: list[tuple[dt.date, str]]
    listed: list[dt.date]

    def visible(self, delivery: Delivery) -> bool:
        """Whether a paper of this delivery may still be shown."""
        return any(item["paper"] in self.papers for item in delivery.items)


def load_content(deliveries: Sequence[Delivery]) -> Content:
    """Papers, pick notes, intros and days with papers for these deliveries: four queries."""
    papers = {item["paper"] for delivery in deliveries for item in delivery.items}
    days = (
        min((delivery.first_day for delivery in deliveries), default=dt.date.min),
        max((delivery.newest_day for delivery in deliveries), default=dt.date.min),
    )
    picks = Pick.objects.filter(day__range=days, paper__in=papers).exclude(note="")
    intros = Edition.objects.filter(day__range=days).exclude(intro="").order_by("-day")
    listed = Listing.objects.filter(day__range=days).values_list("day", flat=True).distinct()
    return Content(
        papers=Paper.objects.visible().with_votes().in_bulk(papers),
        notes={(pick.paper_id, pick.day): pick.note for pick in picks},
        intros=list(intros.values_list("day", "intro")),
        listed=list(listed),
    )


def message_id(delivery: Delivery) -> str:
    """RFC 5322 Message-ID of a delivery, the same for every attempt."""
    return f"<digest-{delivery.pk}@{settings.SITE_HOST}>"


def compose(delivery: Delivery, content: Content, date: dt.datetime) -> EmailMultiAlternatives:
    """The message of one delivery, with ``List-Unsubscribe`` by one click (RFC 8058)."""
    rendered = render(delivery, content)
    message = EmailMultiAlternatives(
        rendered.subject,
        rendered.text,
        to=[delivery.subscriber.email],
        headers={
            "Message-ID": message_id(delivery),
            "Date": format_datetime(date),
            "List-Id": f"Paper Round <digest.{settings.SITE_HOST}>",
            "List-Unsubscribe": f"<{links.UNSUBSCRIBE.url(delivery.subscriber_id)}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            "Precedence": "bulk",
        },
    )
    message.attach_alternative(rendered.html, "text/html")
    return message


def render(delivery: Delivery, content: Content) -> emails.Rendered:
    """Subject, text and HTML of one delivery.

    In one that is not stored, a preview, the personal links lead nowhere: others see it.
    """
    subscriber = delivery.subscriber
    owner = subscriber.pk if delivery.pk else None
    sections: list[dict[str, Any]] = [
        {
            "key": section.value,
            "title": section.label,
            "items": [
                _item_context(item, content, delivery)
                for item in delivery.items
                if item["section"] == section and item["paper"] in content.papers
            ],
        }
        for section in Section
    ]
    sections = [section for section in sections if section["items"]]
    titles = [item["title"] for section in sections for item in section["items"]]
    newest = delivery.newest_day
    span = (text for day, text in content.intros if delivery.first_day <= day <= newest)
    latest = max((day for day in content.listed if day <= newest), default=newest)
    return emails.render(
        "digest",
        {
            "site_name": "Paper Round",
            "site_url": settings.SITE_URL,
            "postal_address": settings.POSTAL_ADDRESS,
            "preferences_url": links.PREFERENCES.url(owner),
            "unsubscribe_url": links.UNSUBSCRIBE.url(owner),
            "archive_url": links.absolute(reverse("edition", args=[latest.isoformat()])),
            "digest": {
                "cadence": subscriber.cadence,
                "first_day": delivery.first_day,
                "last_day": newest,
                "intro": next(span, ""),
                "count": len(titles),
                "headline": _clip(titles[0], HEADLINE_LENGTH) if titles else "Nothing new",
                "sections": sections,
            },
        },
    )


def _item_context(item: dict[str, Any], content: Content, delivery: Delivery) -> dict[str, Any]:
    paper = content.papers[item["paper"]]
    notes = (
        note
        for (pk, day), note in sorted(content.notes.items(), reverse=True)
        if pk == paper.pk and delivery.first_day <= day <= delivery.newest_day
    )
    return {
        "title": paper.title,
        "url": paper.abstract_url or links.absolute(paper.get_absolute_url()),
        "pdf_url": paper.pdf_url,
        "authors": _authors(paper.authors),
        "date": paper.submitted,
        "votes": 0 if item["section"] == Section.TRENDING else paper.votes,  # its reason says it
        "abstract": _clip(paper.abstract, ABSTRACT_LENGTH),
        "reason": item["reason"],
        "note": next(notes, "") if item["section"] == Section.PICKS else "",
    }


def _authors(names: list[str]) -> str:
    """``A. One, B. Two and 5 more``; three names are all shown."""
    if len(names) <= 3:
        return ", ".join(names)
    return f"{names[0]}, {names[1]} and {len(names) - 2} more"


def _clip(text: str, length: int) -> str:
    """At most ``length`` characters, cut between words where there is a space."""
    if len(text) <= length:
        return text
    cut = Truncator(text).chars(length - 1, truncate="")
    return (cut.rpartition(" ")[0] or cut).rstrip(" ,;:.–-") + "…"
