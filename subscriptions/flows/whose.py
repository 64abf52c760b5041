"""Whose message it was that something came back about: only what this site signed counts."""

import email
import re
from collections.abc import Iterator
from email.message import Message
from itertools import islice
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
"""Addresses, links and parts that are looked at in one message."""


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

    def event(self, kind: str, way: MailEvent.Way, **fields: Any) -> MailEvent:
        """Something that came back about it, to be noted: the rest as of ``MailEvent.about``."""
        delivery = self.delivery.pk if self.delivery else None
        return MailEvent.about(self.reader, kind, way, delivery=delivery, **fields)


def same_address(one: str, other: str) -> bool:
    """Whatever the case, and however the domain is written (RFC 5890)."""
    local, other_local = (email.rpartition("@")[0].casefold() for email in (one, other))
    return local == other_local and domain_of(one) == domain_of(other)


def addressed(mail: Message, recipient: str | None) -> tuple[verp.Kind, int] | None:
    """Which of our signed addresses a mail was sent to: the first that is one.

    ``recipient``: of the envelope, as the mail server tells it.
    """
    return next(iter(signed_addresses(_recipients(mail, recipient))), None)


def is_for_bare_address(mail: Message, recipient: str | None) -> bool:
    """Whether a mail was sent to ``BOUNCE_ADDRESS`` itself, and to none with a tag behind it."""
    local, _, domain = map(re.escape, settings.BOUNCE_ADDRESS.rpartition("@"))
    if not local:
        return False
    ours = rf"(?<![\w.+-]){local}(\+[^\s@]{{0,64}})?@{domain}(?![\w-]|\.\w)"
    tags = re.findall(ours, _recipients(mail, recipient), re.ASCII | re.IGNORECASE)
    return bool(tags) and not any(tags)


def _recipients(mail: Message, recipient: str | None) -> str:
    fields = [str(value) for name in RECIPIENT_FIELDS for value in mail.get_all(name, [])]
    return "\n".join([recipient or "", *fields])


def owner(kind: verp.Kind, pk: int) -> Owner | None:
    """Whose number is in a signed address; None where they or the digest are gone."""
    if kind is verp.Kind.DIGEST:
        delivery = Delivery.objects.select_related("subscriber").filter(pk=pk).first()
        return Owner(delivery.subscriber, delivery) if delivery else None
    reader = Subscriber.objects.filter(pk=pk).first()
    return Owner(reader) if reader else None


def reported(mail: Message, found: tuple[verp.Kind, int] | None) -> tuple[Owner | None, bool]:
    """Whose message a feedback report (RFC 5965) is about, and whether its envelope sender says so.

    That stands in ``Original-Mail-From`` or in the headers of the enclosed message, or is where
    the report came to (``found``); else ``List-Unsubscribe`` of the enclosed message names the
    reader. All that this site signed there is one reader's, or it is nobody's; what else is in
    the text counts for nothing, because readers and whom they forward to know their links.
    """
    senders, wishes = [found] if found else [], []
    for name, value in _enclosed_headers(mail):
        senders += signed_addresses(value)
        if name == "list-unsubscribe":
            wishes += [*signed_addresses(value), *_signed_links(value)]
    of_sender = _owners(senders, {verp.Kind.DIGEST, verp.Kind.LETTER})
    owners = of_sender + _owners(wishes, {verp.Kind.UNSUBSCRIBE})
    if len({one.reader.pk for one in owners}) != 1:
        return None, False
    return next((one for one in owners if one.delivery), owners[0]), bool(of_sender)


def _owners(signed: list[tuple[verp.Kind, int]], kinds: set[verp.Kind]) -> list[Owner]:
    wanted = [one for one in dict.fromkeys(signed) if one[0] in kinds][:_MOST]
    return [about for one in wanted if (about := owner(*one))]


def _enclosed_headers(mail: Message) -> Iterator[tuple[str, str]]:
    """Headers of enclosed messages, by names in lower case, and who sent them as a report says."""
    for part in islice(mail.walk(), _MOST):
        kind, payload = part.get_content_type(), part.get_payload()
        inner = payload[0] if isinstance(payload, list) and payload else None
        if kind == "text/rfc822-headers":
            inner = email.message_from_bytes(bytes(part.get_payload(decode=True) or b""))
        elif not kind.startswith("message/"):
            continue
        for name, value in inner.items() if isinstance(inner, Message) else ():
            if kind != "message/feedback-report" or name.lower() == "original-mail-from":
                yield name.lower(), str(value)


def signed_addresses(text: str) -> list[tuple[verp.Kind, int]]:
    """What each address in a text says that this site signed."""
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


def _signed_links(text: str) -> list[tuple[verp.Kind, int]]:
    before, after = reverse("unsubscribe", args=["TOKEN"]).split("TOKEN")
    link = rf"{re.escape(before)}(\d{{1,18}}\.[\w-]{{22}}){re.escape(after)}"
    signed = []
    for token in list(dict.fromkeys(re.findall(link, text)))[:_MOST]:
        try:
            signed.append((verp.Kind.UNSUBSCRIBE, links.UNSUBSCRIBE.read(token)))
        except BadSignature:
            continue
    return signed
