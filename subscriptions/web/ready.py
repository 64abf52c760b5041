"""What a process of the site does before a visitor waits for it."""

import logging

from django.db import connection

from subscriptions.digests.proposal import propose
from subscriptions.flows.search import search
from subscriptions.models import Interest, Subscriber, Topic

logger = logging.getLogger(__name__)


def make_ready() -> None:
    """Find what the topics offered bring, and load what is searched; in its own thread."""
    try:
        topics = Topic.objects.offered()
        propose(Subscriber(), [Interest(kind=Interest.Kind.TOPIC, topic=each) for each in topics])
        search("papers")
    except Exception:
        logger.exception("the first who asks for a preview or searches will wait some seconds")
    finally:
        connection.close()
