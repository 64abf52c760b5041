"""What a reader does to open a session, in short."""

from django.test import Client
from django.utils import timezone

from subscriptions import links
from subscriptions.models import SignIn, Subscriber


def sign_in(client: Client, reader: Subscriber, next_page: str = "") -> Client:
    """Use up a link as it is mailed."""
    row = SignIn.objects.create(subscriber=reader, next=next_page, asked_at=timezone.now())
    answer = client.post(f"/sign-in/{links.SIGN_IN.token(row.pk)}/")
    assert answer.status_code == 302, answer.content
    return client
