"""A DNS server on 127.0.0.1 that knows what a test tells it."""

import socket
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Self

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset


class DnsServer:
    """Answers UDP within a ``with`` statement, from ``zone``: lines of a zone file, absolute names.

    A name without any record does not exist. ``fails`` are names that get SERVFAIL;
    nothing is answered while it is ``silent``.
    """

    def __init__(self, zone: Sequence[str] = (), fails: Sequence[str] = ()) -> None:
        self.zone, self.fails = list(zone), set(fails)
        self.asked: list[str] = []
        self.silent = False
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", ("127.0.0.1", self.port))
        self._thread.join(10)
        self._socket.close()

    def _serve(self) -> None:
        while True:
            asked, who = self._socket.recvfrom(65535)
            if not asked:
                return
            answer = self._answer(dns.message.from_wire(asked)).to_wire()
            if not self.silent:
                self._socket.sendto(answer, who)

    def _answer(self, query: dns.message.Message) -> dns.message.Message:
        question = query.question[0]
        name, kind = question.name.to_text().lower(), question.rdtype
        self.asked.append(f"{name} {dns.rdatatype.to_text(kind)}")
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        if name.rstrip(".") in self.fails:
            response.set_rcode(dns.rcode.SERVFAIL)
            return response
        known = [line.split(maxsplit=3) for line in self.zone]
        records = [(type_, data) for owner, _, type_, data in known if owner.lower() == name]
        if not records:
            response.set_rcode(dns.rcode.NXDOMAIN)
        found = [data for type_, data in records if type_ == dns.rdatatype.to_text(kind)]
        if found:
            response.answer.append(
                dns.rrset.from_text(question.name, 60, dns.rdataclass.IN, kind, *found)
            )
        return response
