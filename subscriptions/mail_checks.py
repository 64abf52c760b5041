"""System checks of the mail settings that need no network; ``check_mail_setup`` asks DNS too."""

from collections.abc import Iterator, Sequence
from email.utils import getaddresses
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

from .delivery import dkim_signing
from .delivery.setup import SMTP
from .delivery.setup.domains import aligned, mailbox_domain

TAG = "mail"
NOT_SIGNED, SHORT_RSA, NO_RSA = "paper_round.W013", "paper_round.W015", "paper_round.W016"
KEYS_DOUBTED = {NOT_SIGNED, SHORT_RSA, NO_RSA}
"""Warnings of what ``check_mail_setup`` looks at itself, together with DNS."""
LONGEST_SITE, LONGEST_BOUNCE = 36, 38
"""Characters of SITE_URL and BOUNCE_ADDRESS with which ``List-Unsubscribe`` keeps below 78."""


@register(TAG)
def check_usable(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """What would keep mail from being sent."""
    found: list[CheckMessage] = []
    if not _one_address(settings.DEFAULT_FROM_EMAIL):
        text = "DEFAULT_FROM_EMAIL is not one address; a name with a comma needs quotes."
        hint = 'DEFAULT_FROM_EMAIL="Paper Round <digest@example.org>"'
        found.append(Error(text, hint=hint, id="paper_round.E010"))
    bounce = settings.BOUNCE_ADDRESS
    if bounce and not (_one_address(bounce) and bounce.isascii() and "<" not in bounce):
        text = "BOUNCE_ADDRESS is not a bare address of ASCII; other domains as xn--."
        found.append(Error(text, hint="BOUNCE_ADDRESS=bounces@example.org", id="paper_round.E011"))
    return found


@register(TAG, deploy=True)
def check_signing(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """Only asked for: a key that cannot be used stops sending, but not the commands that tell."""
    try:
        keys = dkim_signing.configured_keys()
    except dkim_signing.KeyUnusable as error:
        return [Error(f"{error}.", hint=error.hint, id="paper_round.E012")]
    if settings.EMAIL_BACKEND != SMTP:
        return []
    if not keys:
        text = "Mail is not signed here: one-click unsubscribe (RFC 8058) needs DKIM."
        hint = "Set DKIM_SELECTOR and DKIM_KEY, or see check_mail_setup --selector NAME."
        return [Warning(text, hint=hint, id=NOT_SIGNED)]
    found: list[CheckMessage] = []
    rsa = [key.private for key in keys if isinstance(key.private, RSAPrivateKey)]
    if not rsa:
        text = "Mail is signed by Ed25519 alone, which many receivers do not know."
        hint = "Set DKIM_SELECTOR and DKIM_KEY as well, with an RSA key."
        found.append(Warning(text, hint=hint, id=NO_RSA))
    if any(private.key_size < dkim_signing.GOOD_BITS for private in rsa):
        text = f"DKIM_KEY has {rsa[0].key_size} bits: {dkim_signing.GOOD_BITS} are better."
        hint = "openssl genrsa -out dkim.pem 2048, with a new selector"
        found.append(Warning(text, hint=hint, id=SHORT_RSA))
    return found


@register(TAG, deploy=True)
def check_trusted(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """What receivers would hold against the mail."""
    if check_usable(None):
        return []
    return [
        Warning(text, hint=hint, id=f"paper_round.{number}") for number, text, hint in _doubts()
    ]


def _doubts() -> Iterator[tuple[str, str, str]]:
    sender = mailbox_domain(settings.DEFAULT_FROM_EMAIL)
    envelope = mailbox_domain(settings.BOUNCE_ADDRESS or settings.DEFAULT_FROM_EMAIL)
    signing = dkim_signing.domain()
    if not settings.SITE_URL.startswith("https://"):
        yield (
            "W001", "SITE_URL is not an https address; one-click unsubscribe (RFC 8058) needs one.",
            "SITE_URL=https://papers.example.org",
        )  # fmt: skip
    if "." not in sender or sender.replace(".", "").isdigit() or sender.endswith(".localhost"):
        yield (
            "W010", f"DEFAULT_FROM_EMAIL is of {sender}, which no receiver can look up.",
            'DEFAULT_FROM_EMAIL="Paper Round <digest@example.org>"',
        )  # fmt: skip
    if not aligned(sender, envelope):
        yield (
            "W011", f"BOUNCE_ADDRESS is of {envelope}, From of {sender}: SPF does not count there.",
            f"BOUNCE_ADDRESS=bounces@{sender}",
        )  # fmt: skip
    if not aligned(sender, signing):
        yield (
            "W012", f"DKIM_DOMAIN is {signing}, From is of {sender}: no signature counts there.",
            f"DKIM_DOMAIN={sender}",
        )  # fmt: skip
    if not (settings.BOUNCE_ADDRESS or settings.IMAP_URL or settings.INBOUND_SECRET):  # else W020
        yield (
            "W017", "BOUNCE_ADDRESS is not set: bounces are not seen, nobody can leave by mail.",
            "BOUNCE_ADDRESS=bounces@example.org",
        )  # fmt: skip
    if len(settings.SITE_URL) > LONGEST_SITE or len(settings.BOUNCE_ADDRESS) > LONGEST_BOUNCE:
        yield (
            "W014", "With so long a SITE_URL or BOUNCE_ADDRESS, header lines pass 78 characters.",
            f"At most {LONGEST_SITE} and {LONGEST_BOUNCE} characters.",
        )  # fmt: skip


def _one_address(value: str) -> bool:
    found = getaddresses([value])
    if len(found) != 1:
        return False
    local, _, domain = found[0][1].rpartition("@")
    try:
        return bool(local and mailbox_domain(f"@{domain}"))
    except UnicodeError:
        return False
