"""DMARC (RFC 7489): what the domain of From asks of receivers, and whether our mail meets it."""

import re
from collections.abc import Iterator

from .dkim import parse_tags
from .domains import aligned, organisation
from .findings import Finding, Level, txt
from .lookups import LookupFailed, Lookups

POLICIES = "none", "quarantine", "reject"


def check_dmarc(
    from_domain: str, envelope_domain: str, signing_domain: str | None, dns: Lookups
) -> Iterator[Finding]:
    """``signing_domain``: who signs by DKIM, where that is known."""
    at = f"_dmarc.{from_domain}"
    try:
        records = _records(at, dns)
        if not records and (above := organisation(from_domain)) != from_domain:
            at = f"_dmarc.{above}"
            records = _records(at, dns)
    except LookupFailed as error:
        yield _finding(Level.WARNING, str(error))
        return
    if len(records) > 1:
        yield _finding(Level.WRONG, f"there are {len(records)} DMARC records at {at}: leave one")
        return
    line = f"v=DMARC1; p=none; rua=mailto:postmaster@{organisation(from_domain)}"
    if not records:
        text = f"{from_domain} has no DMARC record, which Gmail and Yahoo ask for"
        yield _finding(Level.WRONG, text, txt(at, line))
        return
    try:
        tags = parse_tags(records[0])
    except ValueError:
        tags = {}
    yield _policy(tags, at, from_domain, line)
    yield _alignment(tags, from_domain, envelope_domain, signing_domain)


def _policy(tags: dict[str, str], at: str, from_domain: str, line: str) -> Finding:
    policy = tags.get("p", "").lower()
    if at != f"_dmarc.{from_domain}":
        policy = tags.get("sp", policy).lower()
    if policy not in POLICIES:
        return _finding(Level.WRONG, f"the record at {at} has no valid policy (p=)", txt(at, line))
    if "rua" not in tags:
        text = f"the record at {at} names nobody who gets the reports (rua=)"
        return _finding(Level.WARNING, text, txt(at, line.replace("p=none", f"p={policy}")))
    return _finding(Level.OK, f"{at} asks for {policy}")


def _alignment(
    tags: dict[str, str], from_domain: str, envelope_domain: str, signing_domain: str | None
) -> Finding:
    by_spf = aligned(from_domain, envelope_domain, strict=tags.get("aspf") == "s")
    by_dkim = signing_domain is not None and aligned(
        from_domain, signing_domain, strict=tags.get("adkim") == "s"
    )
    if by_dkim and by_spf:
        return _finding(Level.OK, f"From ({from_domain}) is aligned with SPF and DKIM")
    if not by_dkim and signing_domain is not None:
        text = f"DKIM signs as {signing_domain}, which is not aligned with From ({from_domain})"
        level = Level.WARNING if by_spf else Level.WRONG
        return _finding(level, text, f"DKIM_DOMAIN={from_domain}")
    if not by_spf:
        text = f"the envelope sender ({envelope_domain}) is not aligned with From ({from_domain})"
        level = Level.WARNING if by_dkim else Level.WRONG
        return _finding(level, text, f"BOUNCE_ADDRESS=bounces@{from_domain}")
    text = f"From ({from_domain}) is aligned with SPF alone, which breaks where mail is forwarded"
    return _finding(Level.WARNING, text)


def _records(at: str, dns: Lookups) -> list[str]:
    return [text for text in dns.texts(at) if re.match(r"v\s*=\s*DMARC1\s*(;|$)", text)]


def _finding(level: Level, text: str, add: str = "") -> Finding:
    return Finding(level, "DMARC", text, add)
