"""DMARC (RFC 7489): what the domain of From asks of receivers, and whether our mail meets it."""

import re
from collections.abc import Collection, Iterator

from .dkim import parse_tags
from .domains import aligned, organisation
from .findings import Finding, Level, txt
from .lookups import LookupFailed, Lookups

POLICIES = "none", "quarantine", "reject"


def check_dmarc(
    from_domain: str,
    envelope_domain: str | None,
    signing_domain: str | None,
    in_order: Collection[str],
    dns: Lookups,
) -> Iterator[Finding]:
    """``envelope_domain``, ``signing_domain``: of SPF and DKIM, where they are known.

    ``in_order``: which of ``SPF`` and ``DKIM`` were found to be ok.
    """
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
        yield _finding(Level.WRONG, text, f"Add: {txt(at, line)}")
        return
    try:
        tags = parse_tags(records[0])
    except ValueError:
        tags = {}
    yield _policy(tags, at, from_domain, line)
    if envelope_domain or signing_domain:
        yield _alignment(tags, from_domain, envelope_domain, signing_domain, in_order)


def _policy(tags: dict[str, str], at: str, from_domain: str, line: str) -> Finding:
    policy = tags.get("p", "").lower()
    if at != f"_dmarc.{from_domain}":
        policy = tags.get("sp", policy).lower()
    if policy not in POLICIES:
        text = f"the record at {at} has no valid policy (p=)"
        return _finding(Level.WRONG, text, f"Replace it by: {txt(at, line)}")
    if "rua" not in tags:
        text = f"the record at {at} names nobody who gets the reports (rua=)"
        better = txt(at, line.replace("p=none", f"p={policy}"))
        return _finding(Level.WARNING, text, f"Replace it by: {better}")
    return _finding(Level.OK, f"{at} asks for {policy}")


def _alignment(
    tags: dict[str, str],
    from_domain: str,
    envelope_domain: str | None,
    signing_domain: str | None,
    in_order: Collection[str],
) -> Finding:
    by_spf = envelope_domain is not None and aligned(
        from_domain, envelope_domain, strict=tags.get("aspf") == "s"
    )
    by_dkim = signing_domain is not None and aligned(
        from_domain, signing_domain, strict=tags.get("adkim") == "s"
    )
    if not by_dkim and signing_domain is not None:
        text = f"DKIM signs as {signing_domain}, which is not aligned with From ({from_domain})"
        level = Level.WARNING if by_spf else Level.WRONG
        return _finding(level, text, f"Set: DKIM_DOMAIN={from_domain}")
    if not by_spf and envelope_domain is not None:
        text = f"the envelope sender ({envelope_domain}) is not aligned with From ({from_domain})"
        level = Level.WARNING if by_dkim else Level.WRONG
        return _finding(level, text, f"Set: BOUNCE_ADDRESS=bounces@{from_domain}")
    known = [name for name, known in (("SPF", by_spf), ("DKIM", by_dkim)) if known]
    passing = " and ".join(name for name in known if name in in_order)
    later = " and ".join(name for name in known if name not in in_order)
    text = f"From ({from_domain}) is aligned with"
    if later:
        text = f"{text} {f'{passing}, and with ' if passing else ''}{later} once that is ok"
        return _finding(Level.WARNING, text)
    if known == ["SPF"]:
        return _finding(Level.WARNING, f"{text} SPF alone, which breaks where mail is forwarded")
    return _finding(Level.OK, f"{text} {passing}")


def _records(at: str, dns: Lookups) -> list[str]:
    return [text for text in dns.texts(at) if re.match(r"v\s*=\s*DMARC1\s*(;|$)", text)]


def _finding(level: Level, text: str, advice: str = "") -> Finding:
    return Finding(level, "DMARC", text, advice)
