"""What check_mail_setup says of the rest: what brings mail back, DNS itself, the mail server."""

import datetime as dt
import re
import ssl
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from subscriptions.delivery.setup import lookups, servers
from tests.delivery.conftest import Serve
from tests.dns_server import DnsServer

from .sound import (
    DKIM,
    IP,
    PTR,
    SELECTOR,
    SPF,
    Check,
    change,
)


@pytest.mark.parametrize(
    ("name", "value", "warned"),
    [
        ("IMAP_URL", "", True),
        ("IMAP_URL", "imaps://a:b@imap.example.org", False),
        ("ANYMAIL", {"WEBHOOK_SECRET": "a:b"}, False),
        ("BOUNCE_ADDRESS", "", False),
    ],
)
def test_whether_anything_brings_what_comes_back(
    check: Check, settings: Any, name: str, value: Any, warned: bool
) -> None:
    settings.INBOUND_SECRET = ""
    setattr(settings, name, value)
    found = check()
    assert ("bounces" in found) is warned
    assert not warned or re.match("warning: .*manage.py bounce", found["bounces"][0])
    assert any("BOUNCE_ADDRESS is not set" in line for line in found.get("settings", [])) is (
        name == "BOUNCE_ADDRESS"
    )


def test_what_is_not_told_is_not_known(check: Check) -> None:
    found = check(ip=None)
    assert found["SPF"][0].startswith("warning: example.org has a sound record")
    assert found["reverse DNS"][0].startswith("warning: which address sends is not known")


def test_dns_that_fails_is_no_fault_of_the_setup(check: Check, dns: DnsServer) -> None:
    dns.fails = {"example.org", SELECTOR, "_dmarc.example.org", "25.2.0.192.in-addr.arpa"}
    found = check()
    assert all(
        re.fullmatch(r"warning: DNS was asked for \w+ of \S+: it failed \(SERVFAIL\)\.", line)
        for lines in found.values()
        for line in lines
    )
    assert set(found) == {"SPF", "DKIM", "DMARC", "MX", "reverse DNS"}


def test_a_setup_of_which_dns_tells_nothing_is_not_sound(dns: DnsServer, check: Check) -> None:
    dns.fails = {"example.org", SELECTOR, "_dmarc.example.org", "25.2.0.192.in-addr.arpa"}
    with pytest.raises(CommandError, match="DNS answered no question"):
        call_command(
            "check_mail_setup", f"--resolver=127.0.0.1:{dns.port}", "--no-smtp", f"--ip={IP}"
        )


def test_a_resolver_that_is_silent_is_not_asked_on(
    check: Check, dns: DnsServer, monkeypatch: Any
) -> None:
    monkeypatch.setattr(lookups, "SECONDS", 0.01)
    dns.silent = True
    with pytest.raises(CommandError, match="DNS answered no question"):
        call_command(
            "check_mail_setup", f"--resolver=127.0.0.1:{dns.port}", "--no-smtp", f"--ip={IP}"
        )
    assert {question.split()[0] for question in dns.asked} <= {"example.org.", f"{SELECTOR}."}


@pytest.mark.parametrize(
    ("host", "record", "said"),
    [
        ("localhost", "localhost. IN A 127.0.0.1", "ask again with --ip"),
        ("127.0.0.1", "", "ask again with --ip"),
        ("10.0.0.5", "", "ask again with --ip"),
        ("smtp.internal", "", "ask again with --ip"),
        (None, "", "ask again with --ip"),
        (
            "smtp.example.net",
            "smtp.example.net. IN A 9.9.9.9",
            'TXT "v=spf1 a:smtp.example.net -all"',
        ),
        ("9.9.9.9", "", 'TXT "v=spf1 ip4:9.9.9.9 -all"'),
    ],
)
def test_a_record_names_no_server_that_others_do_not_know(
    check: Check, dns: DnsServer, settings: Any, host: str | None, record: str, said: str
) -> None:
    settings.EMAIL_HOST = host
    change(dns, SPF, *filter(None, [record]))
    (line,) = check(ip=None)["SPF"]
    assert said in line, line
    assert ("Add:" in line) is ("TXT" in said)


def test_the_name_proposed_is_of_this_site(check: Check, dns: DnsServer, settings: Any) -> None:
    settings.DEFAULT_FROM_EMAIL = settings.BOUNCE_ADDRESS = "digest@papers.example.net"
    change(dns, PTR)
    (line,) = check()["reverse DNS"]
    assert line.endswith("Add: 25.2.0.192.in-addr.arpa. IN PTR mail.papers.example.net."), line


def test_only_what_is_ok_is_called_aligned(check: Check, dns: DnsServer) -> None:
    change(dns, SPF)
    assert check()["DMARC"][1] == (
        "warning: From (example.org) is aligned with DKIM, and with SPF once that is ok."
    )
    change(dns, DKIM)
    assert check()["DMARC"][1] == (
        "warning: From (example.org) is aligned with SPF and DKIM once that is ok."
    )


def test_a_number_of_things_that_are_wrong(check: Check, dns: DnsServer) -> None:
    resolver = f"--resolver=127.0.0.1:{dns.port}"
    for record, said in ((SPF, "^1 thing is wrong"), (DKIM, "^2 things are wrong")):
        change(dns, record)
        with pytest.raises(CommandError, match=said):
            call_command("check_mail_setup", resolver, "--no-smtp", f"--ip={IP}", stdout=StringIO())


def test_hints_are_lines_or_words(check: Check, settings: Any) -> None:
    settings.SITE_URL = "http://papers.example.org"
    assert check()["settings"][0].endswith(" Set: SITE_URL=https://papers.example.org")
    settings.DKIM_KEY = "/nowhere/dkim.pem"
    assert check()["settings"][0].endswith(
        "such file or directory. There is no /nowhere/dkim.pem; name the file from the root."
    )


def test_a_mail_server_whose_name_is_unknown(check: Check, settings: Any) -> None:
    settings.EMAIL_HOST, settings.EMAIL_PORT = "mail.invalid", 25
    (line,) = check(connect=True)["TLS"]
    assert re.match("wrong: mail.invalid:25 cannot be used: ", line)
    assert "Error" not in line and "Errno" not in line


def test_other_ways_of_sending(check: Check, settings: Any) -> None:
    settings.EMAIL_BACKEND = "anymail.backends.mailgun.EmailBackend"
    found = check()
    assert "envelope sender of its own" in found["SPF"][0]
    assert re.match("warning: the mail service must sign for example.org", found["DKIM"][0])
    assert len(found["DMARC"]) == 1, "whether it is aligned nobody here knows"
    assert check("--selector=pr1")["DMARC"][1] == "ok: From (example.org) is aligned with DKIM."
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    assert check()["settings"][0].startswith("wrong: EMAIL_URL is no mail server")


def test_settings_that_cannot_be_used_are_all_that_is_told(check: Check, settings: Any) -> None:
    settings.DKIM_KEY, settings.DEFAULT_FROM_EMAIL = "/nowhere", "Round, Paper <a@example.org>"
    found = check()
    assert set(found) == {"settings"} and len(found["settings"]) == 2


@pytest.mark.parametrize("argument", ["--ip=1.2.3", "--resolver=name:53", "--resolver=127.0.0.1:x"])
def test_arguments_that_are_none(argument: str) -> None:
    with pytest.raises(CommandError, match=r"is no IP address|is not like"):
        call_command("check_mail_setup", argument)


@pytest.mark.parametrize(
    ("days_before", "said"),
    [(30, r"ok: localhost:\d+: TLSv1.\d, certificate to "), (0, "warning: the certificate of ")],
)
@pytest.mark.parametrize("implicit", [True, False])
def test_tls(
    check: Check, serve: Serve, settings: Any, tls: ssl.SSLContext, trusted: None,
    days_before: int, said: str, implicit: bool,
) -> None:  # fmt: skip
    serve(tls=tls, implicit_tls=implicit, offers=["STARTTLS"])
    settings.EMAIL_USE_SSL, settings.EMAIL_USE_TLS = implicit, not implicit
    now = dt.datetime.now(dt.UTC) - dt.timedelta(days=days_before)
    (line,) = check(f"--now={now.isoformat()}", connect=True)["TLS"]
    assert re.match(said, line), line


def test_a_server_that_does_not_prove_who_it_is(
    check: Check, serve: Serve, settings: Any, tls: ssl.SSLContext
) -> None:
    serve(tls=tls, offers=["STARTTLS"])
    settings.EMAIL_USE_TLS = True
    (line,) = check(connect=True)["TLS"]
    assert re.match("wrong: .*cannot be used.*certificate", line), line


def test_a_server_that_is_not_there(check: Check, serve: Serve, settings: Any) -> None:
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    assert check(connect=True)["TLS"][0].startswith("wrong: 127.0.0.1:9 cannot be used: ")


@pytest.mark.parametrize(
    ("private", "offers", "said"),
    [
        (True, [], "ok: .*in your own network"),
        (False, [], "warning: .*it offers no STARTTLS"),
        (False, ["STARTTLS"], r"wrong: .*read on the way. Set: EMAIL_URL=smtp\+tls://"),
    ],
)
def test_mail_in_clear(
    check: Check, serve: Serve, monkeypatch: Any, private: bool, offers: list[str], said: str
) -> None:
    serve(offers=offers)
    monkeypatch.setattr(servers, "is_near", lambda sock: private)
    (line,) = check(connect=True)["TLS"]
    assert re.match(said, line), line
