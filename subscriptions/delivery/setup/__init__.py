"""Whether DNS and the mail server are as mail needs them to arrive."""

import datetime as dt
from collections.abc import Iterator

from django.conf import settings

from subscriptions.delivery import dkim_signing

from .dkim import check_dkim
from .dmarc import check_dmarc
from .domains import mailbox_domain
from .findings import Finding, Level
from .lookups import Lookups
from .servers import check_mx, check_reverse, check_server
from .spf import check_spf

__all__ = ["SMTP", "Finding", "Level", "Lookups", "check_setup"]

SMTP = "django.core.mail.backends.smtp.EmailBackend"
"""The one backend that sends by the settings that are checked."""


def check_setup(
    dns: Lookups, now: dt.datetime, *, ip: str | None, selectors: list[str], connect: bool
) -> Iterator[Finding]:
    """One finding after another, as they come.

    ``ip``: the address that receivers see mail come from. ``selectors``: of DKIM keys that
    another machine signs with. ``connect``: whether to try ``EMAIL_URL``.
    """
    by_smtp = settings.EMAIL_BACKEND == SMTP
    sender = mailbox_domain(settings.DEFAULT_FROM_EMAIL)
    envelope = mailbox_domain(settings.BOUNCE_ADDRESS or settings.DEFAULT_FROM_EMAIL)
    signing, in_order = dkim_signing.domain(), set()
    for found in _proofs(dns, envelope, signing, ip, selectors):
        if found.level is Level.OK:
            in_order.add(found.about)
        yield found
    signs = bool(selectors or (by_smtp and (settings.DKIM_KEY or settings.DKIM_ED25519_KEY)))
    yield from check_dmarc(
        sender, envelope if by_smtp else None, signing if signs else None, in_order, dns
    )
    yield check_mx(sender, "what people answer", dns)
    if envelope != sender:
        yield check_mx(envelope, "what comes back", dns)
    if settings.BOUNCE_ADDRESS and not _is_brought():
        text = (
            "no way is set by which mail to BOUNCE_ADDRESS comes here: IMAP_URL, INBOUND_SECRET, "
            "or the key of a webhook. If your mail server pipes it to manage.py bounce, all is well"
        )
        yield Finding(Level.WARNING, "bounces", text)
    if ip:
        yield check_reverse(ip, sender, dns)
    elif by_smtp:
        text = "which address sends is not known: pass it with --ip, or leave it to your provider"
        yield Finding(Level.WARNING, "reverse DNS", text)
    if connect and by_smtp:
        yield check_server(now)


def _proofs(
    dns: Lookups, envelope: str, signing: str, ip: str | None, selectors: list[str]
) -> Iterator[Finding]:
    """What shows receivers that mail is of the site: SPF and DKIM."""
    by_service = settings.EMAIL_BACKEND.startswith("anymail.")
    if settings.EMAIL_BACKEND == SMTP:
        yield check_spf(envelope, ip, settings.EMAIL_HOST or "", dns)
    elif by_service:
        text = "a mail service has an envelope sender of its own: it tells what DNS needs"
        yield Finding(Level.WARNING, "SPF", text)
    else:
        text = "EMAIL_URL is no mail server: mail reaches nobody"
        advice = "Set: EMAIL_URL=smtp+tls://user:password@mail.example.org:587"
        yield Finding(Level.WRONG, "settings", text, advice)
    if by_service and not selectors:
        text = f"the mail service must sign for {signing}: with --selector its key is looked at"
        yield Finding(Level.WARNING, "DKIM", text)
    else:
        yield from check_dkim(signing, selectors, dns)


def _is_brought() -> bool:
    """Whether anything but a pipe, of which settings know nothing, may bring what comes back."""
    webhooks = any("WEBHOOK" in name or name == "MAILGUN_API_KEY" for name in settings.ANYMAIL)
    return bool(settings.IMAP_URL or settings.INBOUND_SECRET or webhooks)
