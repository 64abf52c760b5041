"""The plain way to make a digest, which the assembled one must equal: render, inline, MIME."""

import datetime as dt

from django.conf import settings
from django.core.mail import EmailMultiAlternatives

from subscriptions import emails
from subscriptions.digests.compose import HEADLINE_LENGTH
from subscriptions.digests.content import Content, clip
from subscriptions.digests.headers import message_id
from subscriptions.digests.web_version import digest_context
from subscriptions.models import Delivery
from subscriptions.notes import clean


def plain_message(
    delivery: Delivery, content: Content, date: dt.datetime, abstract: int = 320
) -> EmailMultiAlternatives:
    context = digest_context(delivery, content, abstract)
    sections = context["digest"]["sections"]
    titles = [clean(item["title"]) for section in sections for item in section["items"]]
    context["digest"]["headline"] = clip(titles[0], HEADLINE_LENGTH) if titles else "Nothing new"
    rendered = emails.render("digest", context)
    message = EmailMultiAlternatives(
        rendered.subject,
        rendered.text,
        to=[delivery.subscriber.email],
        headers={
            "Message-ID": message_id(delivery),
            "Date": date.strftime("%a, %d %b %Y %H:%M:%S +0000"),
            "List-Id": f"Paper Round <digest.{settings.SITE_HOST}>",
            "List-Unsubscribe": f"<{context['unsubscribe_url']}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            "Feedback-ID": f"{delivery.newest_day:%Y%m%d}:{delivery.subscriber.cadence}:digest:"
            "paper-round",
            "Auto-Submitted": "auto-generated",
            "Precedence": "bulk",
        },
    )
    if not delivery.subscriber.text_only:
        message.attach_alternative(rendered.html, "text/html")
    return message
