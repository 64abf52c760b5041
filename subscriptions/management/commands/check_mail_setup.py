import datetime as dt
import re
from argparse import ArgumentTypeError
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any

from django.core import checks
from django.core.management.base import BaseCommand, CommandError, CommandParser

from subscriptions.delivery.setup import Finding, Level, Lookups, check_setup
from subscriptions.mail_checks import KEYS_DOUBTED, TAG
from subscriptions.management.arguments import add_now


class Command(BaseCommand):
    help = (
        "Whether mail would arrive: the settings, SPF, DKIM, DMARC, MX, reverse DNS and TLS, "
        "each with what is wrong and the line that DNS or .env must have."
    )
    requires_system_checks = []  # it reports them itself

    def add_arguments(self, parser: CommandParser) -> None:
        add_now(parser)
        parser.add_argument("--ip", type=_ip, help="the address that receivers see mail come from")
        parser.add_argument(
            "--selector", action="append", default=[], dest="selectors",
            help="of a DKIM key that your mail server signs with; can be repeated",
        )  # fmt: skip
        parser.add_argument(
            "--resolver", type=_resolver, metavar="HOST[:PORT]",
            help="the address of the DNS server to ask, where not this machine's",
        )  # fmt: skip
        parser.add_argument(
            "--no-smtp", action="store_false", dest="connect",
            help="do not connect to the mail server of EMAIL_URL",
        )  # fmt: skip

    def handle(
        self,
        *,
        now: dt.datetime,
        ip: str | None,
        selectors: list[str],
        resolver: tuple[str, int] | None,
        connect: bool,
        **options: Any,
    ) -> None:
        wrong, dns = 0, Lookups(resolver)
        for finding in self._findings(dns, now, ip, selectors, connect):
            wrong += finding.level is Level.WRONG
            said = f"{finding.text}. {finding.advice}".strip()
            self.stdout.write(f"{self._coloured(finding.level)}  {finding.about:11}  {said}")
            if dns.is_silent:
                break
        if dns.asked and not dns.answered:
            raise CommandError("DNS answered no question: nothing is known. Try --resolver.")
        if wrong:
            things = "1 thing is" if wrong == 1 else f"{wrong} things are"
            raise CommandError(f"{things} wrong: mail may not arrive.")

    def _findings(
        self,
        dns: Lookups,
        now: dt.datetime,
        ip: str | None,
        selectors: list[str],
        connect: bool,
    ) -> Iterator[Finding]:
        unusable = False
        told = checks.run_checks(tags=[TAG], include_deployment_checks=True)
        for found in sorted(told, key=lambda one: (-one.level, str(one.id))):
            if found.id in KEYS_DOUBTED:  # told below, with what DNS has
                continue
            error = found.level >= checks.ERROR
            unusable |= error
            yield Finding(
                Level.WRONG if error else Level.WARNING, "settings",
                str(found.msg).removesuffix("."), _advice(found.hint or ""),
            )  # fmt: skip
        if not unusable:
            yield from check_setup(dns, now, ip=ip, selectors=selectors, connect=connect)

    def _coloured(self, level: Level) -> str:
        styles = {
            Level.OK: self.style.SUCCESS,
            Level.WARNING: self.style.WARNING,
            Level.WRONG: self.style.ERROR,
        }
        return styles[level](f"{level.value:7}")


def _advice(hint: str) -> str:
    return f"Set: {hint}" if re.match("[A-Z0-9_]+=", hint) else hint


def _ip(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is no IP address") from error


def _resolver(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":") if text.count(":") == 1 else (text, "", "53")
    if not port.isdecimal():
        raise ArgumentTypeError(f"{text!r} is not like 192.0.2.53 or 192.0.2.53:5353")
    return _ip(host), int(port)
