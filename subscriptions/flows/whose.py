"""Whose message it was that something came back about: only what this site signed counts."""

import re
from email.message import Message
from typing import Any, NamedTuple

from django.conf import settings
from django.core.signing import BadSignature
from django.urls import reverse

from subscriptions import links, verp
from subscriptions.models import Delivery, MailEvent, Subscriber, domain_of

RECIPIENT_FIELDS = (
    "Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "X-Delivered-To", "To", "Cc",
)  # fmt: skip
"""Where mail servers write whom they had it for, and last what its sender wrote."""
_MOST = 50
"""Addresses and links that are looked at in one message."""


class Owner(NamedTuple):
    """A reader, and the digest where it is about one."""

    reader: Subscriber
    delivery: Delivery | None = None

    def still_at(self, address: str) -> bool:
        """Whether what is said of this address is said of where the reader gets mail now.

        A digest is known to have gone to the reader: forwarding may have changed the address
        that is told. Of any other message it must be the reader's own.
        """
        if self.delivery is None:
            return same_address(address, self.reader.email)
        moved, tried = self.reader.address_changed_at, self.delivery.last_attempt_at
        return not moved or bool(tried and tried >= moved)

    def event(self, **fields: Any) -> MailEvent:
        """Something that came back about it, to be noted."""
        domain = domain_of(self.reader.email)
        return MailEvent(subscriber=self.reader, delivery=self.delivery, domain=domain, **fields)


def same_address(one: str, other: str) -> bool:
    """Whatever the case, and however the domain is written (RFC 5890)."""
    local, other_local = (email.rpartition("@")[0].casefold() for email in (one, other))
    return local == other_local and domain_of(one) == domain_of(other)


def addressed(mail: Message, recipient: str | None) -> tuple[verp.Kind, int] | None:
    """Which of our signed addresses a mail was sent to: the first that is one.

    ``recipient``: of the envelope, as the mail server tells it.
    """
    fields = [str(value) for name in RECIPIENT_FIELDS for value in mail.get_all(name, [])]
    return next(iter(_signed_addresses("\n".join([recipient or "", *fields]))), None)


def owner(kind: verp.Kind, pk: int) -> Owner | None:
    """Whose number is in a signed address; None where they or the digest are gone."""
    if kind is verp.Kind.DIGEST:
        delivery = Delivery.objects.select_related("subscriber").filter(pk=pk).first()
        return Owner(delivery.subscriber, delivery) if delivery else None
    reader = Subscriber.objects.filter(pk=pk).first()
    return Owner(reader) if reader else None


def named_inside(message: bytes, mail: Message) -> Owner | None:
    """Whose message is enclosed: all that this site signed in it is one reader's, or nobody's.

    Its headers have the envelope sender and ``List-Unsubscribe``, also where a mail service
    took the address out of what it reports (RFC 5965).
    """
    parts = [part.get_payload(decode=True) for part in mail.walk() if not part.is_multipart()]
    raw = b"\n".join([message, *(part for part in parts if isinstance(part, bytes))])
    text = raw.decode("utf-8", "replace")
    found = [owner(*signed) for signed in dict.fromkeys(_signed_addresses(text))]
    tokens = dict.fromkeys(re.findall(_unsubscribe_link(), text))
    found += [owner(verp.Kind.UNSUBSCRIBE, pk) for pk in _signed_tokens(list(tokens)[:_MOST])]
    owners = [one for one in found if one]
    if len({one.reader.pk for one in owners}) != 1:
        return None
    return next((one for one in owners if one.delivery), owners[0])


def _signed_addresses(text: str) -> list[tuple[verp.Kind, int]]:
    local, _, domain = settings.BOUNCE_ADDRESS.rpartition("@")
    if not local:
        return []
    tagged = rf"(?<![\w.+-]){re.escape(local)}\+[a-z]\d{{1,18}}-[a-z2-7]{{16}}@{re.escape(domain)}"
    found = dict.fromkeys(re.findall(tagged, text, re.ASCII | re.IGNORECASE))
    signed = []
    for address in list(found)[:_MOST]:
        try:
            signed.append(verp.read(address))
        except BadSignature:  # anybody can write such a thing
            continue
    return signed


def _unsubscribe_link() -> str:
    before, after = reverse("unsubscribe", args=["TOKEN"]).split("TOKEN")
    return rf"{re.escape(before)}(\d{{1,18}}\.[\w-]{{22}}){re.escape(after)}"


def _signed_tokens(tokens: list[str]) -> list[int]:
    signed = []
    for token in tokens:
        try:
            signed.append(links.UNSUBSCRIBE.read(token))
        except BadSignature:
            continue
    return signed
