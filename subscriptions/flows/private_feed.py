"""A reader's own feed: at an address nobody can guess, which they can take away again."""

import secrets

from subscriptions.models import Subscriber


def turn_on(pk: int) -> str:
    """Give this reader's feed a new address, and end the old one; its key."""
    key = secrets.token_urlsafe(32)
    Subscriber.objects.filter(pk=pk).update(feed_key=key)
    return key


def turn_off(pk: int) -> None:
    Subscriber.objects.filter(pk=pk).update(feed_key=None)
