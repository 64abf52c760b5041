"""Absolute, signed links: one signature per purpose, no row per link."""

import datetime as dt
from dataclasses import dataclass

from django.conf import settings
from django.core.signing import Signer, TimestampSigner
from django.urls import reverse


def absolute(path: str) -> str:
    """The full address of a path of this site, from ``SITE_URL`` and never from a request."""
    return f"{settings.SITE_URL}{path}"


class _ShortSignature(Signer):
    """HMAC-SHA256 cut to 132 bits (RFC 2104, section 5), so that a header line holds it."""

    def signature(self, value: str | bytes, key: str | bytes | None = None) -> str:
        return super().signature(value, key)[:22]


class _ShortTimestamp(_ShortSignature, TimestampSigner):
    pass


@dataclass(frozen=True)
class Link:
    """A link in a mail that lets its owner do one kind of thing."""

    view: str
    max_age: dt.timedelta | None

    def _signer(self) -> Signer:
        kind = _ShortTimestamp if self.max_age else _ShortSignature
        return kind(sep=".", salt=f"paper-round.{self.view}")

    def token(self, pk: int) -> str:
        return self._signer().sign(str(pk))

    def url(self, pk: int | None) -> str:
        """The address for the one with this pk; for None, one that leads nowhere."""
        return absolute(reverse(self.view, args=["preview" if pk is None else self.token(pk)]))

    def read(self, token: str) -> int:
        """The pk that was signed.

        Raises ``django.core.signing.SignatureExpired`` for a genuine link past its age and
        ``BadSignature`` for any other that this site did not make.
        """
        signer = self._signer()
        if isinstance(signer, TimestampSigner):
            return int(signer.unsign(token, max_age=self.max_age))
        return int(signer.unsign(token))


CONFIRM = Link("confirm", dt.timedelta(days=14))
PREFERENCES = Link("preferences", dt.timedelta(days=365))
UNSUBSCRIBE = Link("unsubscribe", None)
