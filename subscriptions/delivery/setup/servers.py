"""Mail servers: those that take our mail in (MX), and the one that sends it."""

import datetime as dt
import smtplib
import socket
import ssl
from ipaddress import ip_address

from django.conf import settings

from subscriptions.delivery.connecting import connect
from subscriptions.delivery.outcomes import Unavailable
from subscriptions.masking import tidy

from .findings import Finding, Level
from .lookups import LookupFailed, Lookups

SECONDS = 10.0
SOON = dt.timedelta(days=14)


def check_mx(domain: str, what: str, dns: Lookups) -> Finding:
    """Whether mail to a domain arrives anywhere; ``what`` comes to it."""
    line = f"{domain}. IN MX 10 mail.{domain}."
    try:
        exchanges = dns.exchanges(domain)
        if exchanges == [""]:
            text = f"{domain} says it takes no mail: {what} is lost"
            return Finding(Level.WRONG, "MX", text, f"Replace it by: {line}")
        dead = [name for name in exchanges if not dns.addresses(name)]
        if dead:
            return Finding(Level.WRONG, "MX", f"{dead[0]}, an MX of {domain}, has no address")
        if exchanges:
            return Finding(Level.OK, "MX", f"{domain} has {', '.join(exchanges)}, for {what}")
        if dns.addresses(domain):
            text = f"{domain} has no MX; its own address is tried, for {what}"
            return Finding(Level.WARNING, "MX", text, f"Add: {line}")
    except LookupFailed as error:
        return Finding(Level.WARNING, "MX", str(error))
    return Finding(Level.WRONG, "MX", f"{domain} takes no mail: {what} is lost", f"Add: {line}")


def check_reverse(ip: str, domain: str, dns: Lookups) -> Finding:
    """Whether the sending address has a name, and that name this address (RFC 1912 2.1).

    ``domain``: below which a name for it is proposed.
    """
    about = "reverse DNS"
    try:
        names = dns.names(ip)
        for name in names:
            if ip_address(ip) in map(ip_address, dns.addresses(name)):
                return Finding(Level.OK, about, f"{ip} is {name}, and back")
    except LookupFailed as error:
        return Finding(Level.WARNING, about, str(error))
    if not names:
        pointer = ip_address(ip).reverse_pointer
        text = f"{ip} has no name; whoever gave you the address sets it"
        return Finding(Level.WRONG, about, text, f"Add: {pointer}. IN PTR mail.{domain}.")
    kind = "A" if ip_address(ip).version == 4 else "AAAA"
    text = f"{ip} says it is {names[0]}, which has another address"
    return Finding(Level.WRONG, about, text, f"Add: {names[0]}. IN {kind} {ip}")


def check_server(now: dt.datetime) -> Finding:
    """Whether ``EMAIL_URL`` leads to a server that takes our login over TLS."""
    host = f"{settings.EMAIL_HOST}:{settings.EMAIL_PORT}"
    try:
        client = connect(SECONDS)
    except Unavailable as error:
        return Finding(Level.WRONG, "TLS", f"{host} cannot be used: {_why(error)}")
    try:
        if isinstance(client.sock, ssl.SSLSocket):
            return _encrypted(host, client.sock, now)
        near = client.sock is not None and is_near(client.sock)
        offered = client.has_extn("starttls")
    finally:
        client.close()
    if near:
        return Finding(Level.OK, "TLS", f"{host} is in your own network, and not encrypted")
    text = f"what goes to {host} can be read on the way"
    if not offered:
        return Finding(Level.WARNING, "TLS", f"{text}: it offers no STARTTLS")
    return Finding(Level.WRONG, "TLS", text, f"Set: EMAIL_URL=smtp+tls://…@{host}")


def _why(error: Unavailable) -> str:
    """In words, where a ledger has Python's name of the error as well."""
    cause = error.__cause__
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"its certificate is not valid: {cause.verify_message}"
    if isinstance(cause, smtplib.SMTPResponseException) or not isinstance(cause, OSError):
        return str(error)
    return tidy(cause.strerror or str(cause))


def is_near(sock: socket.socket) -> bool:
    """Whether the other end is on this machine or in its own network."""
    return ip_address(sock.getpeername()[0]).is_private


def _encrypted(host: str, sock: ssl.SSLSocket, now: dt.datetime) -> Finding:
    ends = ssl.cert_time_to_seconds(str((sock.getpeercert() or {})["notAfter"]))
    until = dt.datetime.fromtimestamp(ends, dt.UTC)
    if until < now + SOON:
        text = f"the certificate of {host} ends on {until:%Y-%m-%d}"
        return Finding(Level.WARNING, "TLS", text)
    return Finding(Level.OK, "TLS", f"{host}: {sock.version()}, certificate to {until:%Y-%m-%d}")
