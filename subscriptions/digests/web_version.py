"""A digest as a web page, and as one context: its templates rendered whole, without pieces."""

from typing import Any

from django.template.loader import render_to_string

from subscriptions import links
from subscriptions.models import Delivery, Item, Section
from subscriptions.notes import clean

from .content import ABSTRACT_LENGTHS, Content, frame_context, item_context, load_content, reason_of


def web_version(delivery: Delivery) -> str:
    """The HTML of a stored digest with its styles in ``<style>``, where a strict
    ``Content-Security-Policy`` wants them."""
    context = digest_context(delivery, load_content([delivery])) | {"on_the_web": True}
    return render_to_string("email/digest/body.html", context)


def digest_context(
    delivery: Delivery, content: Content, abstract: int = ABSTRACT_LENGTHS[0]
) -> dict[str, Any]:
    """All that the digest's templates know, with the reader's own links."""
    days = delivery.first_day, delivery.newest_day
    web_url = links.DIGEST.url(delivery.pk)

    def shown(place: int, item: Item) -> dict[str, Any]:
        paper = content.papers[item["paper"]]
        note = content.note(paper.pk, days) if item["section"] == Section.PICKS else ""
        return item_context(item, paper, note, abstract) | {
            "reason": clean(reason_of(item)),
            "feedback_url": f"{web_url}{place}/",
        }

    items = content.shown(delivery)
    sections = [
        (section, [shown(place, item) for place, item in items if item["section"] == section])
        for section in Section
    ]
    used = [(section, papers) for section, papers in sections if papers]
    return frame_context(delivery.subscriber.cadence, days, *content.words(days), used) | {
        "web_url": web_url,
        "preferences_url": links.PREFERENCES.url(delivery.subscriber_id),
        "unsubscribe_url": links.UNSUBSCRIBE.url(delivery.subscriber_id),
    }
