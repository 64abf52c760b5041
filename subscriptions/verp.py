"""Addresses that what comes back by mail is sent to: signed, so that nobody can make one up.

Each is ``BOUNCE_ADDRESS`` with a tag behind a ``+`` (RFC 5233): a kind, a number and a signature,
``bounces+b123-abcdefghijklmnop@example.org``. Variable envelope return paths, as qmail has them.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable
from enum import StrEnum
from functools import lru_cache

from django.conf import settings
from django.core.signing import BadSignature
from django.utils.encoding import force_bytes

_BYTES = 10
"""Of HMAC-SHA256: 80 bits, 16 characters that do not lose by another case."""
_TAG = re.compile(r"([a-z])([0-9]{1,18})-([a-z2-7]{16})")


class Kind(StrEnum):
    """What an address is for, and whose number is in it."""

    DIGEST = "b"
    """Envelope sender of a digest: the delivery's."""
    LETTER = "m"
    """Envelope sender of any other mail to a reader: the subscriber's."""
    REPLY = "r"
    """Where a reader's answer goes: the subscriber's."""
    UNSUBSCRIBE = "u"
    """Where a mail program writes to unsubscribe (RFC 2369): the subscriber's."""


def address(kind: Kind, pk: int) -> str:
    """The signed address. Needs ``BOUNCE_ADDRESS``."""
    return maker(kind)(pk)


def maker(kind: Kind) -> Callable[[int], str]:
    """``address`` for many: what it needs is looked up once."""
    local, _, domain = settings.BOUNCE_ADDRESS.rpartition("@")
    keyed = _keyed(settings.SECRET_KEY)

    def made(pk: int) -> str:
        value = f"{kind}{pk}"
        return f"{local}+{value}-{_signature(keyed, value)}@{domain}"

    return made


def read(email: str) -> tuple[Kind, int]:
    """What one of our addresses is for, and the number in it, whatever its case.

    Raises ``BadSignature`` for any that this site did not make: former keys count, too.
    """
    local, _, domain = settings.BOUNCE_ADDRESS.lower().rpartition("@")
    before, _, at = email.lower().rpartition("@")
    if not local or at != domain or not before.startswith(f"{local}+"):
        raise BadSignature("not an address of ours")
    if not (found := _TAG.fullmatch(before[len(local) + 1 :])):
        raise BadSignature("an address without a tag")
    value, signature = f"{found[1]}{found[2]}", found[3]
    keys = settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS
    if not any(hmac.compare_digest(signature, _signature(_keyed(key), value)) for key in keys):
        raise BadSignature("an address that this site did not sign")
    try:
        return Kind(found[1]), int(found[2])
    except ValueError as error:
        raise BadSignature("an address of no kind") from error


@lru_cache
def _keyed(key: str | bytes) -> hmac.HMAC:
    secret = hashlib.sha256(b"paper-round.verp" + force_bytes(key)).digest()
    return hmac.new(secret, digestmod=hashlib.sha256)


def _signature(keyed: hmac.HMAC, value: str) -> str:
    mac = keyed.copy()
    mac.update(value.encode())
    return base64.b32encode(mac.digest()[:_BYTES]).decode().lower()
