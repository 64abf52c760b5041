"""The plain way to make a digest, which the assembled one must equal: render, inline, MIME."""

import datetime as dt
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives

from subscriptions import emails, links
from subscriptions.digests.compose import HEADLINE_LENGTH, message_id
from subscriptions.digests.content import Content, clip, frame_context, item_context
from subscriptions.digests.pieces import clean
from subscriptions.models import Delivery, Section


def plain_message(
    delivery: Delivery, content: Content, date: dt.datetime, abstract: int = 320
) -> EmailMultiAlternatives:
    days = delivery.first_day, delivery.newest_day
    feedback = links.DIGEST.url(delivery.pk)

    def item(place: int, stored: Any) -> dict[str, Any]:
        paper = content.papers[stored["paper"]]
        note = content.note(paper.pk, days) if stored["section"] == Section.PICKS else ""
        return item_context(stored, paper, note, abstract) | {
            "reason": clean(stored["reason"]),
            "feedback_url": f"{feedback}{place}/",
        }

    shown = content.shown(delivery)
    sections = [
        (section, [item(place, stored) for place, stored in shown if stored["section"] == section])
        for section in Section
    ]
    sections = [(section, items) for section, items in sections if items]
    context = frame_context(delivery.subscriber.cadence, days, *content.words(days), sections)
    titles = [clean(item["title"]) for _, items in sections for item in items]
    context["digest"]["headline"] = clip(titles[0], HEADLINE_LENGTH) if titles else "Nothing new"
    unsubscribe = links.UNSUBSCRIBE.url(delivery.subscriber_id)
    context |= {
        "preferences_url": links.PREFERENCES.url(delivery.subscriber_id),
        "unsubscribe_url": unsubscribe,
    }
    rendered = emails.render("digest", context)
    message = EmailMultiAlternatives(
        rendered.subject,
        rendered.text,
        to=[delivery.subscriber.email],
        headers={
            "Message-ID": message_id(delivery),
            "Date": date.strftime("%a, %d %b %Y %H:%M:%S +0000"),
            "List-Id": f"Paper Round <digest.{settings.SITE_HOST}>",
            "List-Unsubscribe": f"<{unsubscribe}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            "Precedence": "bulk",
        },
    )
    if not delivery.subscriber.text_only:
        message.attach_alternative(rendered.html, "text/html")
    return message
