"""A test send: one digest to the editor who looks at it, in no ledger."""

from contextlib import closing, suppress
from uuid import uuid4

from django.conf import settings

from subscriptions.delivery.outcomes import Outcome, Outcomes, Unavailable
from subscriptions.delivery.transport import open_transport

from .message import Digest

TIMEOUT = 7.0
"""Seconds that an answer of the mail server may take: an editor waits for the page."""
FOR_ONE_READER = {"List-Unsubscribe", "List-Unsubscribe-Post"}
"""Headers by which a mail program would unsubscribe somebody."""


def send_test(digest: Digest, to: str) -> Outcome:
    """Send a digest to one address as real ones are sent, and say what the server answered.

    Its subject begins with ``[Test]``. Of a digest that is not stored, so that the links of its
    reader lead nowhere.
    """
    headers = {name: value for name, value in digest.headers.items() if name not in FOR_ONE_READER}
    # Of two messages with one id, mail programs show the first.
    headers["Message-ID"] = f"<test-{uuid4()}@{settings.SITE_HOST}>"
    message = digest._replace(
        recipient=to,
        subject=f"[Test] {digest.subject}",
        headers=headers,
    )
    outcomes: Outcomes = {}
    with closing(open_transport(TIMEOUT)) as transport, suppress(Unavailable):
        transport.send([(0, message)], outcomes, lambda: None)
    return outcomes[0]  # of what is unavailable, too
