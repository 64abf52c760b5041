"""``check_mail_setup`` against a DNS server of its own."""

import re
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.dns_server import DnsServer

from .sound import IP, RSA, SOUND, Check, pem


@pytest.fixture
def dns() -> Iterator[DnsServer]:
    with DnsServer(SOUND) as server:
        yield server


@pytest.fixture
def check(dns: DnsServer, settings: Any) -> Check:
    """What the command says, by what it is about: each line's level and text."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST = "mail.example.org"
    settings.SITE_URL = "https://papers.example.org"
    settings.DEFAULT_FROM_EMAIL = "Paper Round <digest@example.org>"
    settings.BOUNCE_ADDRESS, settings.INBOUND_SECRET = "bounces@example.org", "hidden"
    settings.DKIM_SELECTOR, settings.DKIM_KEY = "pr1", pem(RSA)

    def checked(
        *arguments: str, ip: str | None = IP, connect: bool = False
    ) -> dict[str, list[str]]:
        out, said = StringIO(), dict[str, list[str]]()
        given = [f"--ip={ip}"] if ip else []
        given += [] if connect else ["--no-smtp"]
        resolver, failed = f"--resolver=127.0.0.1:{dns.port}", ""
        try:
            call_command("check_mail_setup", resolver, *given, *arguments, stdout=out)
        except CommandError as error:
            assert error.returncode == 1
            failed = str(error)
        for line in out.getvalue().splitlines():
            level, about, text = re.split(r"\s{2,}", line, maxsplit=2)
            said.setdefault(about, []).append(f"{level}: {text}")
        levels = [line.partition(":")[0] for lines in said.values() for line in lines]
        assert ("wrong" in levels or "DNS answered no question" in failed) is bool(failed)
        return said

    return checked
