"""Who tells at /anymail/ in tests, and what became of it."""

import base64

from subscriptions.models import MailEvent, Subscriber

SECRET = "paper-round:hidden"
BASIC = f"Basic {base64.b64encode(SECRET.encode()).decode()}"
BASED = {"WEBHOOK_SECRET": SECRET, "MAILGUN_WEBHOOK_SIGNING_KEY": "TEST_WEBHOOK_SIGNING_KEY"}


def effects() -> dict[str, list[str]]:
    """What was noted of whom, and who left."""
    found: dict[str, list[str]] = {}
    for email, kind in MailEvent.objects.order_by("pk").values_list("subscriber__email", "kind"):
        found.setdefault(email, []).append(kind)
    for email in Subscriber.objects.filter(status="unsubscribed").values_list("email", flat=True):
        found.setdefault(email, []).append("left")
    return found
