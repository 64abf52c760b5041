"""Questions to DNS."""

import re
from ipaddress import ip_address

import dns.exception
import dns.name
import dns.resolver
import dns.reversename
from dns.rdtypes.ANY.MX import MX
from dns.rdtypes.ANY.TXT import TXT

SECONDS = 5.0
PATIENCE = 2
"""Questions without an answer in time, before any that had one."""


class LookupFailed(Exception):
    """DNS did not say whether there is such a record; the text says why."""


class Lookups:
    """Answers of one resolver; none is an empty list. All raise LookupFailed."""

    def __init__(self, resolver: tuple[str, int] | None = None) -> None:
        """``resolver``: address and port, where not the machine's own."""
        self._resolver = dns.resolver.Resolver(configure=resolver is None)
        if resolver:
            self._resolver.nameservers, self._resolver.port = [resolver[0]], resolver[1]
        self._resolver.lifetime = SECONDS
        self.asked = self.answered = self._late = 0

    @property
    def is_silent(self) -> bool:
        """Whether it is of no use to go on asking."""
        return not self.answered and self._late >= PATIENCE

    def texts(self, name: str) -> list[str]:
        """TXT records, each of its strings joined; what is no printable ASCII is a ``?``."""
        return [
            re.sub(rb"[^ -~]", b"?", b"".join(record.strings)).decode()
            for record in self._ask(name, "TXT")
            if isinstance(record, TXT)
        ]

    def exchanges(self, name: str) -> list[str]:
        """The names of MX records, best first; a null MX (RFC 7505) is an empty name."""
        found = [record for record in self._ask(name, "MX") if isinstance(record, MX)]
        found.sort(key=lambda record: record.preference)
        return [_plain(record.exchange) for record in found]

    def addresses(self, name: str) -> list[str]:
        """A and AAAA records."""
        return [str(record) for kind in ("A", "AAAA") for record in self._ask(name, kind)]

    def names(self, ip: str) -> list[str]:
        """PTR records of an address."""
        reverse = dns.reversename.from_address(str(ip_address(ip)))
        return [str(record).rstrip(".").lower() for record in self._ask(reverse, "PTR")]

    def _ask(self, name: str | dns.name.Name, kind: str) -> list[object]:
        self.asked += 1
        try:
            found = list(self._resolver.resolve(name, kind, search=False))
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            found = []
        except dns.exception.DNSException as error:
            self._late += isinstance(error, dns.exception.Timeout)
            raise LookupFailed(f"DNS was asked for {kind} of {name}: {_why(error)}") from error
        self.answered += 1
        return found


def _why(error: dns.exception.DNSException) -> str:
    if isinstance(error, dns.exception.Timeout):
        return "no answer in time"
    if isinstance(error, dns.resolver.NoNameservers):  # its own text has the question again
        errors = error.kwargs.get("errors") or [("", "", "", "no server is known")]
        return f"it failed ({errors[-1][3]})"
    return str(error).removesuffix(".")


def _plain(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).lower().removeprefix(".")
