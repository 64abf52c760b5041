"""``manage.py check_mail_setup`` against a DNS server and a mail server of our own."""

import datetime as dt
import re
import ssl
from collections.abc import Callable, Iterator
from io import StringIO
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.core.management import CommandError, call_command

from subscriptions.delivery.dkim_signing import Key
from subscriptions.delivery.setup import lookups, servers
from tests.delivery.conftest import Serve
from tests.dns_server import DnsServer

IP = "192.0.2.25"
RSA = rsa.generate_private_key(65537, 2048)
SHORT = rsa.generate_private_key(65537, 1024)
ED25519 = ed25519.Ed25519PrivateKey.generate()
SELECTOR = "pr1._domainkey.example.org"


def txt(name: str, text: str) -> str:
    parts = [text[start : start + 200] for start in range(0, len(text), 200)]
    return f"{name}. IN TXT " + " ".join(f'"{part}"' for part in parts)


SPF = txt("example.org", f"v=spf1 ip4:{IP} -all")
DKIM = txt(SELECTOR, Key("pr1", RSA).record)
DMARC = txt("_dmarc.example.org", "v=DMARC1; p=quarantine; rua=mailto:dmarc@example.org")
MX = "example.org. IN MX 10 mail.example.org."
ADDRESS = f"mail.example.org. IN A {IP}"
PTR = "25.2.0.192.in-addr.arpa. IN PTR mail.example.org."
SOUND = [SPF, DKIM, DMARC, MX, ADDRESS, PTR]

Check = Callable[..., dict[str, list[str]]]


def pem(key: Any) -> str:
    return str(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


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


def change(dns: DnsServer, record: str, *others: str) -> None:
    dns.zone = [known for known in dns.zone if known != record] + list(others)


def test_a_sound_setup(check: Check) -> None:
    assert check() == {
        "SPF": [f"ok: example.org lets {IP} send (0 of 10 lookups)."],
        "DKIM": [f"ok: {SELECTOR} has the key (RSA, 2048 bits)."],
        "DMARC": [
            "ok: _dmarc.example.org asks for quarantine.",
            "ok: From (example.org) is aligned with SPF and DKIM.",
        ],
        "MX": ["ok: example.org has mail.example.org, for what people answer."],
        "reverse DNS": [f"ok: {IP} is mail.example.org, and back."],
    }


@pytest.mark.parametrize(
    ("records", "said"),
    [
        ([], 'wrong: example.org, which .* Add: example.org. IN TXT "v=spf1 ip4:192.0.2.25 -all"'),
        ([SPF, txt("example.org", "v=spf1 -all")], "wrong: example.org has 2 SPF records"),
        (
            [txt("example.org", "v=spf1 mx:other.example ~all")],
            'wrong: .* let 192.0.2.25 send: softfail. Replace .*"v=spf1 ip4:192.0.2.25 mx:other',
        ),
        (
            [txt("example.org", "v=spf1 mx +all")],
            'wrong: .*anybody send. Replace .*"v=spf1 mx -all"',
        ),
        ([txt("example.org", "v=spf1 mx")], 'warning: .* Replace .*"v=spf1 mx ~all"'),
        ([txt("example.org", "v=spf1 mx ?all")], 'warning: .* Replace .*"v=spf1 mx ~all"'),
        ([txt("example.org", "v=spf1 ipv4:192.0.2.25 -all")], "wrong: .*no term of SPF"),
        ([txt("example.org", "v=spf1 include:gone.example -all")], "wrong: gone.example has no"),
        ([txt("example.org", "v=spf1 include:example.org -all")], "wrong: .*more than 10 lookups"),
        ([txt("example.org", "google=1"), SPF], "ok: "),
    ],
)
def test_spf(check: Check, dns: DnsServer, records: list[str], said: str) -> None:
    change(dns, SPF, *records)
    (line,) = check()["SPF"]
    assert re.match(said, line), line


def test_spf_is_of_the_envelope_sender(check: Check, dns: DnsServer, settings: Any) -> None:
    settings.BOUNCE_ADDRESS = "bounces@b.example.org"
    change(dns, SPF, txt("b.example.org", f"v=spf1 ip4:{IP} -all"))
    said = check()
    assert said["SPF"] == [f"ok: b.example.org lets {IP} send (0 of 10 lookups)."]
    assert said["DMARC"][1] == "ok: From (example.org) is aligned with SPF and DKIM."
    assert said["MX"][1].startswith("wrong: b.example.org takes no mail: what comes back is lost.")


@pytest.mark.parametrize(
    ("records", "said"),
    [
        ([], f"wrong: there is no key at {SELECTOR}. Add: {SELECTOR}. IN TXT .v=DKIM1; k=rsa; p="),
        ([DKIM, DKIM.replace("p=", "n=x; p=")], "wrong: there are 2 TXT records"),
        (
            [txt(SELECTOR, Key("pr1", SHORT).record)],
            "wrong: .*is not the public half.* Replace it by: ",
        ),
        (
            [txt(SELECTOR, Key("pr1", ED25519).record)],
            "wrong: .*is not the public half.* Replace it by: ",
        ),
        ([txt(SELECTOR, "v=DKIM1; k=rsa; p=")], "wrong: .*is revoked. Replace it by: "),
        ([txt(SELECTOR, "v=DKIM1; k=rsa; p=%%%")], "wrong: .*is no DKIM key"),
        ([txt(SELECTOR, "hello")], "wrong: .*is no DKIM key"),
        ([DKIM.replace("k=rsa", "k=rsa; h=sha1")], "wrong: .*does not allow SHA-256"),
        ([DKIM.replace("k=rsa", "k=rsa; s=tlsrpt")], "wrong: .*is not for mail"),
        ([DKIM.replace("k=rsa", "t=y")], "warning: .*is a test"),
        ([DKIM.replace("v=DKIM1; k=rsa; ", "")], "ok: "),
    ],
)
def test_dkim(check: Check, dns: DnsServer, records: list[str], said: str) -> None:
    change(dns, DKIM, *records)
    (line,) = check()["DKIM"]
    assert re.match(said, line), line
    if advice := re.search(" (?:Add|Replace it by): (.*)", line):
        added = advice[1]
        change(dns, "", added)
        for record in records:
            change(dns, record)
        assert check()["DKIM"] == [f"ok: {SELECTOR} has the key (RSA, 2048 bits)."]


@pytest.mark.parametrize(
    ("key", "said"),
    [
        (RSA, "ok: .*RSA, 2048 bits"),
        (ED25519, "ok: .*ed25519"),
        (SHORT, "warning: .*1024 bits: 2048 are better"),
        (None, "wrong: there is no key at mta._domainkey.example.org"),
    ],
)
def test_dkim_of_the_mail_server(
    check: Check, dns: DnsServer, settings: Any, key: Any, said: str
) -> None:
    settings.DKIM_SELECTOR = settings.DKIM_KEY = ""
    if key:
        dns.zone.append(txt("mta._domainkey.example.org", Key("mta", key).record))
    found = check("--selector=mta")
    (line,) = found["DKIM"]
    assert re.match(said, line), line
    assert line.startswith("ok") is ("must cover List-Unsubscribe" in line)
    assert found["DMARC"][1].startswith("ok") is line.startswith("ok")
    assert "settings" not in found, "who passes --selector need not be told of it"


def test_mail_that_nobody_is_known_to_sign(check: Check, settings: Any) -> None:
    settings.DKIM_SELECTOR = settings.DKIM_KEY = ""
    found = check()
    assert found["DKIM"][0].startswith("warning: mail is not signed here")
    assert "aligned with SPF alone" in found["DMARC"][1]


def test_two_keys_and_one_that_few_know(check: Check, dns: DnsServer, settings: Any) -> None:
    settings.DKIM_ED25519_SELECTOR, settings.DKIM_ED25519_KEY = "ed", pem(ED25519)
    dns.zone.append(txt("ed._domainkey.example.org", Key("ed", ED25519).record))
    assert [line[:3] for line in check()["DKIM"]] == ["ok:", "ok:"]
    settings.DKIM_SELECTOR = settings.DKIM_KEY = ""
    assert "many receivers know no Ed25519" in check()["DKIM"][1]


@pytest.mark.parametrize(
    ("records", "said"),
    [
        ([], 'wrong: .*Add: _dmarc.example.org. IN TXT "v=DMARC1; p=none; rua=mailto:postm'),
        ([DMARC, DMARC.replace("quarantine", "none")], "wrong: there are 2 DMARC records"),
        (
            [DMARC.replace("p=quarantine", "p=what")],
            "wrong: .*no valid policy.* Replace it by: _dmarc",
        ),
        ([DMARC.replace("p=quarantine;", "")], "wrong: .*no valid policy"),
        (
            [txt("_dmarc.example.org", "v=DMARC1; p=reject")],
            "warning: .*reports.* Replace it by: .*p=reject; rua=",
        ),
        ([DMARC.replace("quarantine", "none")], "ok: .*asks for none"),
    ],
)
def test_dmarc(check: Check, dns: DnsServer, records: list[str], said: str) -> None:
    change(dns, DMARC, *records)
    line = check()["DMARC"][0]
    assert re.match(said, line), line


@pytest.mark.parametrize(
    ("changes", "record", "said"),
    [
        ({"BOUNCE_ADDRESS": "b@b.example.org"}, DMARC, "ok: "),
        (
            {"BOUNCE_ADDRESS": "b@b.example.org"}, DMARC.replace("p=", "aspf=s; p="),
            "warning: the envelope sender .* Set: BOUNCE_ADDRESS=bounces@example.org",
        ),
        (
            {"BOUNCE_ADDRESS": "b@example.net"}, DMARC,
            "warning: the envelope sender .example.net. is not aligned",
        ),
        (
            {"BOUNCE_ADDRESS": "b@example.net", "DKIM_SELECTOR": "", "DKIM_KEY": ""}, DMARC,
            "wrong: the envelope sender .example.net. is not aligned",
        ),
        ({"DKIM_DOMAIN": "sub.example.org"}, DMARC, "ok: "),
        (
            {"DKIM_DOMAIN": "sub.example.org"}, DMARC.replace("p=", "adkim=s; p="),
            "warning: DKIM signs as sub.example.org, .* Set: DKIM_DOMAIN=example.org",
        ),
        (
            {"DKIM_DOMAIN": "example.net", "BOUNCE_ADDRESS": "b@example.net"}, DMARC,
            "wrong: DKIM signs as example.net",
        ),
        ({"BOUNCE_ADDRESS": "b@example.co.uk", "DEFAULT_FROM_EMAIL": "a@other.co.uk"},
         DMARC.replace("example.org.", "other.co.uk."), "warning: the envelope sender"),
    ],
)  # fmt: skip
def test_alignment(
    check: Check, dns: DnsServer, settings: Any, changes: dict[str, str], record: str, said: str
) -> None:
    settings.DKIM_DOMAIN = ""
    for name, value in changes.items():
        setattr(settings, name, value)
    change(dns, DMARC, record)
    if changes.get("DEFAULT_FROM_EMAIL"):
        settings.DKIM_DOMAIN = "other.co.uk"
    dns.zone.append(SPF.replace("example", "b.example"))
    dns.zone.append(DKIM.replace("example", "sub.example"))
    line = check()["DMARC"][1]
    assert re.match(said, line), line


def test_a_subdomain_has_the_policy_of_the_domain_above(
    check: Check, dns: DnsServer, settings: Any
) -> None:
    settings.DEFAULT_FROM_EMAIL = "digest@news.example.org"
    assert check()["DMARC"][0] == "ok: _dmarc.example.org asks for quarantine."
    change(dns, DMARC, DMARC.replace("p=", "sp=none; p="))
    assert check()["DMARC"][0] == "ok: _dmarc.example.org asks for none."


@pytest.mark.parametrize(
    ("records", "said"),
    [
        ([], "wrong: example.org takes no mail.*Add: example.org. IN MX 10 mail.example.org."),
        (
            ["example.org. IN MX 0 ."],
            "wrong: example.org says it takes no mail.*Replace it by: example.org. IN MX 10",
        ),
        (["example.org. IN MX 5 gone.example."], "wrong: gone.example, an MX .*no address"),
        ([f"example.org. IN A {IP}"], "warning: example.org has no MX"),
    ],
)
def test_mx(check: Check, dns: DnsServer, records: list[str], said: str) -> None:
    change(dns, MX, *records)
    (line,) = check()["MX"]
    assert re.match(said, line), line


@pytest.mark.parametrize(
    ("records", "said"),
    [
        ([], "wrong: 192.0.2.25 has no name.*Add: 25.2.0.192.in-addr.arpa. IN PTR mail"),
        (
            [PTR.replace("mail.example.org.", "host.example.")],
            "wrong: .*has another address. Add: host.example. IN A 192.0.2.25",
        ),
    ],
)
def test_reverse_dns(check: Check, dns: DnsServer, records: list[str], said: str) -> None:
    change(dns, PTR, *records)
    (line,) = check()["reverse DNS"]
    assert re.match(said, line), line


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
