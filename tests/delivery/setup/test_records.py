"""What each kind of record must be, and what to add or replace where it is not."""

import re
from typing import Any

import pytest

from subscriptions.delivery.dkim_signing import Key
from tests.dns_server import DnsServer

from .sound import (
    DKIM,
    DMARC,
    ED25519,
    IP,
    MX,
    PTR,
    RSA,
    SELECTOR,
    SHORT,
    SPF,
    Check,
    change,
    pem,
    txt,
)


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
