"""Absolute, signed links: one signature per purpose, no row per link."""

import datetime as dt
import hashlib
import hmac
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache

from django.conf import settings
from django.core.signing import Signer, TimestampSigner, b62_decode, b62_encode
from django.urls import reverse
from django.utils.encoding import force_bytes


def absolute(path: str) -> str:
    """The full address of a path of this site, from ``SITE_URL`` and never from a request."""
    return f"{settings.SITE_URL}{path}"


class _ShortSignature(Signer):
    """HMAC-SHA256 cut to 132 bits (RFC 2104, section 5), so that a header line holds it."""

    def signature(self, value: str | bytes, key: str | bytes | None = None) -> str:
        mac = _keyed(self.salt, key or self.key).copy()
        mac.update(value.encode() if isinstance(value, str) else value)
        return urlsafe_b64encode(mac.digest())[:22].decode()


@lru_cache
def _keyed(salt: str, key: str | bytes) -> hmac.HMAC:
    """What Django's Signer makes anew for each value: its key, ready to sign."""
    secret = hashlib.sha256(force_bytes(f"{salt}signer") + force_bytes(key)).digest()
    return hmac.new(secret, digestmod=hashlib.sha256)


class _ShortTimestamp(_ShortSignature, TimestampSigner):
    def timestamp(self) -> str:
        return _base62(int(time.time()))


_base62 = lru_cache(16)(b62_encode)


@dataclass(frozen=True)
class Link:
    """A link in a mail that lets its owner do one kind of thing."""

    view: str
    max_age: dt.timedelta | None

    def _signer(self) -> Signer:
        return _signer(self, settings.SECRET_KEY, tuple(settings.SECRET_KEY_FALLBACKS))

    def token(self, pk: int) -> str:
        return self._signer().sign(str(pk))

    def url(self, pk: int | None) -> str:
        """The address for the one with this pk; for None, one that leads nowhere."""
        return self.maker()(pk)

    def maker(self) -> Callable[[int | None], str]:
        """``url`` for many: what it needs is looked up once."""
        before, after = absolute(_path(self.view)).split("TOKEN")
        signer = self._signer()
        stamp = signer.timestamp if isinstance(signer, TimestampSigner) else None

        def url(pk: int | None) -> str:
            if pk is None:
                return f"{before}preview{after}"
            value = f"{pk}.{stamp()}" if stamp else str(pk)  # as Signer.sign has it
            return f"{before}{value}.{signer.signature(value)}{after}"

        return url

    def read(self, token: str, *, however_old: bool = False) -> int:
        """The pk that was signed.

        Raises ``django.core.signing.SignatureExpired`` for a genuine link past its age and
        ``BadSignature`` for any other that this site did not make.
        """
        signer = self._signer()
        if isinstance(signer, TimestampSigner):
            max_age = None if however_old else self.max_age
            return int(signer.unsign(token, max_age=max_age))
        return int(signer.unsign(token))

    def made_at(self, token: str) -> dt.datetime:
        """When a genuine token that bears a date was made, to the second."""
        stamp = Signer.unsign(self._signer(), token).rpartition(".")[2]
        return dt.datetime.fromtimestamp(b62_decode(stamp), dt.UTC)


@lru_cache
def _signer(link: Link, key: str, fallback_keys: tuple[str, ...]) -> Signer:
    kind = _ShortTimestamp if link.max_age else _ShortSignature
    salt = f"paper-round.{link.view}"
    return kind(key=key, fallback_keys=list(fallback_keys), sep=".", salt=salt)


@cache
def _path(view: str) -> str:
    return reverse(view, args=["TOKEN"])


CONFIRM = Link("confirm", dt.timedelta(days=14))
PREFERENCES = Link("preferences", dt.timedelta(days=365))
UNSUBSCRIBE = Link("unsubscribe", None)
DIGEST = Link("digest", dt.timedelta(days=365))
"""Signs a delivery; which of its papers and what is said of it follow in the path."""
SIGN_IN = Link("sign-in-link", dt.timedelta(minutes=30))
"""Signs a ``SignIn``, which is gone once it was used."""
NEW_ADDRESS = Link("new-address", dt.timedelta(days=1))
"""Signs an ``AddressChange``."""
