"""SPF (RFC 7208): which machines may send for a domain."""

import contextlib
import re
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

from .findings import Finding, Level, txt
from .lookups import LookupFailed, Lookups

MOST_LOOKUPS = 10
"""Terms that ask DNS, over all records included (RFC 7208 4.6.4)."""
PASS, NEUTRAL, NONE = "pass", "neutral", ""
_RESULTS = {"+": PASS, "-": "fail", "~": "softfail", "?": NEUTRAL}
_TERM = re.compile(
    r"(?P<qualifier>[-+~?]?)(?P<name>all|include|a|mx|ptr|ip4|ip6|exists)"
    r"(?::(?P<value>[^/\s]+|[0-9a-f:.]+))?(?P<length>/\d{1,3}(?://\d{1,3})?|//\d{1,3})?",
    re.IGNORECASE,
)
_MODIFIER = re.compile(r"([a-z][a-z0-9_.-]*)=(\S*)", re.IGNORECASE)
_NEEDS_VALUE = {"include", "ip4", "ip6", "exists"}
_ASK_AGAIN = "For the line ask again with --ip and the address that your mail comes from."

Ip = IPv4Address | IPv6Address


class SpfBroken(Exception):
    """No receiver can use the record (permerror); the text says why."""


def check_spf(domain: str, ip: str | None, mail_server: str, dns: Lookups) -> Finding:
    """Whether the envelope sender's domain has a sound record, which lets ``ip`` send."""
    try:
        record = _record(domain, dns)
        if record is None:
            text = f"{domain}, which the envelope sender is of, has no SPF record"
            own = _term(ip) if ip else _term_of(mail_server, dns)
            add = f"Add: {txt(domain, f'v=spf1 {own} -all')}" if own else _ASK_AGAIN
            return _finding(Level.WRONG, text, add)
        walk = Walk(dns, ip_address(ip) if ip else None)
        result = walk.result(domain)
    except SpfBroken as error:
        return _finding(Level.WRONG, str(error))
    except LookupFailed as error:
        return _finding(Level.WARNING, str(error))
    if ip and result != PASS:
        text = f"the record of {domain} does not let {ip} send: {result or 'it says nothing'}"
        better = f"v=spf1 {_term(ip)}{record[len('v=spf1') :]}"
        return _finding(Level.WRONG, text, f"Replace it by: {txt(domain, better)}")
    terms = record.lower().split()
    if "+all" in terms or "all" in terms:
        better = re.sub(r"\s\+?all\b", " -all", record, flags=re.IGNORECASE)
        text = f"the record of {domain} lets anybody send"
        return _finding(Level.WRONG, text, f"Replace it by: {txt(domain, better)}")
    if not ({"-all", "~all"} & set(terms) or any(term.startswith("redirect=") for term in terms)):
        better = re.sub(r"\s\?all\b", "", record, flags=re.IGNORECASE) + " ~all"
        text = f"the record of {domain} does not say that all others may not send"
        return _finding(Level.WARNING, text, f"Replace it by: {txt(domain, better)}")
    if not ip:
        text = f"{domain} has a sound record; whether it names your mail server, --ip would tell"
        return _finding(Level.WARNING, text)
    text = f"{domain} lets {ip} send ({walk.lookups} of {MOST_LOOKUPS} lookups)"
    return _finding(Level.OK, text)


def _term(ip: str) -> str:
    return f"ip{ip_address(ip).version}:{ip}"


def _term_of(mail_server: str, dns: Lookups) -> str:
    """What lets a mail server send; empty for one that others know by another address."""
    with contextlib.suppress(ValueError):
        return _term(mail_server) if ip_address(mail_server).is_global else ""
    known = mail_server and any(ip_address(one).is_global for one in dns.addresses(mail_server))
    return f"a:{mail_server}" if known else ""


class Walk:
    """One evaluation; it goes on behind the first match, to count what others may need."""

    def __init__(self, dns: Lookups, ip: Ip | None) -> None:
        self.lookups = 0
        self._dns, self._ip = dns, ip

    def result(self, domain: str) -> str:
        """What a domain says of the address: of RFC 7208 2.6; empty where no term fits.

        Raises SpfBroken and LookupFailed.
        """
        record = _record(domain, self._dns)
        if record is None:
            raise SpfBroken(f"{domain} has no SPF record, but is included")
        found, redirect = NONE, ""
        for term in record.split()[1:]:
            if (modifier := _MODIFIER.fullmatch(term)) and not _TERM.fullmatch(term):
                redirect = modifier[2] if modifier[1].lower() == "redirect" else redirect
                continue
            parsed = _TERM.fullmatch(term)
            if not parsed or (parsed["name"].lower() in _NEEDS_VALUE and not parsed["value"]):
                raise SpfBroken(f"the record of {domain} has {term!r}, which is no term of SPF")
            if self._matches(parsed, domain) and not found:
                found = _RESULTS[parsed["qualifier"] or "+"]
        if redirect and not re.search(r"\s[-+~?]?all\b", record, re.IGNORECASE):
            self._count(redirect)
            said = self.result(redirect)
            found = found or said
        return found

    def _matches(self, term: re.Match[str], domain: str) -> bool:
        name, value = term["name"].lower(), term["value"] or domain
        if name == "all":
            return True
        if name in ("ip4", "ip6"):
            network = _network(f"{term['value']}{term['length'] or ''}", domain)
            return self._ip in network if self._ip else False
        self._count(value)
        if "%" in value:  # a macro: only the receiver knows what it becomes
            return False
        if name == "include":
            return self.result(value) == PASS
        if self._ip is None or name == "ptr":
            return False
        if name == "exists":
            return bool(self._dns.addresses(value))
        hosts = self._dns.exchanges(value)[:10] if name == "mx" else [value]
        four, _, six = (term["length"] or "").lstrip("/").partition("//")
        if (term["length"] or "").startswith("//"):
            four, six = "", four
        length = four or "32" if self._ip.version == 4 else six or "128"
        networks = [
            _network(f"{address}/{length}", domain)
            for host in hosts
            for address in self._dns.addresses(host)
            if ip_address(address).version == self._ip.version
        ]
        return any(self._ip in network for network in networks)

    def _count(self, name: str) -> None:
        self.lookups += 1
        if self.lookups > MOST_LOOKUPS:
            raise SpfBroken(
                f"the record needs more than {MOST_LOOKUPS} lookups, at {name}: receivers give up"
            )


def _network(text: str, domain: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text, strict=False)
    except ValueError as error:
        raise SpfBroken(f"the record of {domain} has {text!r}, which is no network") from error


def _record(domain: str, dns: Lookups) -> str | None:
    """Raises SpfBroken where there are two, and LookupFailed."""
    found = [text for text in dns.texts(domain) if re.match(r"v=spf1(\s|$)", text, re.IGNORECASE)]
    if len(found) > 1:
        raise SpfBroken(f"{domain} has {len(found)} SPF records: leave one")
    return found[0] if found else None


def _finding(level: Level, text: str, advice: str = "") -> Finding:
    return Finding(level, "SPF", text, advice)
