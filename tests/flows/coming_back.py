"""Digests that went out, and what came back about them."""

import datetime as dt

from subscriptions.models import Delivery, DomainDay, MailEvent, Subscriber

DAY = dt.timedelta(days=1)


def digest(reader: Subscriber, at: dt.datetime, status: str = "sent") -> Delivery:
    """A digest that was tried once."""
    return Delivery.objects.create(
        subscriber=reader,
        first_day=at.date() - DAY,
        newest_day=at.date() - DAY,
        status=status,
        attempts=1,
        created_at=at,
        last_attempt_at=at,
        sent_at=at if status == "sent" else None,
    )


def came_back(
    reader: Subscriber,
    kind: str,
    at: dt.datetime,
    about: Delivery | None = None,
    way: MailEvent.Way = MailEvent.Way.MAIL,
    key: str = "",
) -> MailEvent:
    """An event that waits to have its effect; one that is of no use is not stored."""
    event = MailEvent.about(
        reader,
        "soft" if kind == "ours" else kind,
        way,
        ours=kind == "ours",
        key=key or f"{reader.pk} {kind} {at} {about and about.pk}",
        now=at,
        delivery=about.pk if about else None,
        status="5.1.1",
        reason="550 5.1.1 no such user",
    )
    MailEvent.objects.note([event])
    return MailEvent.objects.filter(key=event.key).first() or event


def counted() -> list[tuple[str, str, int, int, int, int]]:
    """Day, domain, and how many hard, soft, ours and complaints."""
    rows = DomainDay.objects.order_by("day", "domain")
    return [(f"{row.day}", row.domain, row.hard, row.soft, row.ours, row.complaint) for row in rows]
