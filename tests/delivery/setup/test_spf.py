"""What RFC 7208 makes of a record, for one address."""

from ipaddress import ip_address

import pytest

from subscriptions.delivery.setup.lookups import Lookups
from subscriptions.delivery.setup.spf import SpfBroken, Walk
from tests.dns_server import DnsServer

ZONE = [
    "a.example. IN A 192.0.2.1",
    "a.example. IN AAAA 2001:db8::1",
    "m.example. IN MX 10 a.example.",
    'ok.example. IN TXT "v=spf1 ip4:192.0.2.0/24 -all"',
    'no.example. IN TXT "v=spf1 -all"',
    'soft.example. IN TXT "v=spf1 ~all"',
    'one.example. IN TXT "v=spf1 a:a.example -all"',
    'long.example. IN TXT "v=spf1 ip4:192.0" ".2.1 -all"',
    "there.example. IN A 127.0.0.2",
    'twice.example. IN TXT "v=spf1 -all"',
    'twice.example. IN TXT "v=spf1 +all"',
    'loop.example. IN TXT "v=spf1 redirect=loop.example"',
    'old.example. IN TXT "v=spf10 -all"',
]


def evaluate(record: str, ip: str = "192.0.2.1") -> tuple[str, int]:
    with DnsServer([*ZONE, f'x.example. IN TXT "{record}"']) as server:
        walk = Walk(Lookups(("127.0.0.1", server.port)), ip_address(ip))
        return walk.result("x.example"), walk.lookups


@pytest.mark.parametrize(
    ("record", "result", "lookups"),
    [
        ("v=spf1 -all", "fail", 0),
        ("v=spf1 ~all", "softfail", 0),
        ("v=spf1 ?all", "neutral", 0),
        ("v=spf1", "", 0),
        ("V=SPF1 IP4:192.0.2.1 -ALL", "pass", 0),
        ("v=spf1 -ip4:192.0.2.1 +all", "fail", 0),
        ("v=spf1 ip4:192.0.2.2/31 -all", "fail", 0),
        ("v=spf1 a:a.example -all", "pass", 1),
        ("v=spf1 a:a.example/24 -all", "pass", 1),
        ("v=spf1 a -all", "fail", 1),
        ("v=spf1 mx:m.example -all", "pass", 1),
        ("v=spf1 ptr -all", "fail", 1),
        ("v=spf1 exists:there.example -all", "pass", 1),
        ("v=spf1 exists:%{i}.list.example -all", "fail", 1),
        ("v=spf1 include:ok.example -all", "pass", 1),
        ("v=spf1 include:no.example include:soft.example ?all", "neutral", 2),
        ("v=spf1 include:one.example ~all", "pass", 2),
        ("v=spf1 include:long.example ~all", "pass", 1),
        ("v=spf1 redirect=ok.example", "pass", 1),
        ("v=spf1 redirect=ok.example -all", "fail", 0),
        ("v=spf1 exp=why.example ok=1 -all", "fail", 0),
    ],
)
def test_what_a_record_says(record: str, result: str, lookups: int) -> None:
    assert evaluate(record) == (result, lookups)


@pytest.mark.parametrize(
    ("record", "result"),
    [
        ("v=spf1 ip6:2001:db8::/32 -all", "pass"),
        ("v=spf1 ip6:2001:db8::1 -all", "pass"),
        ("v=spf1 ip4:192.0.2.1 -all", "fail"),
        ("v=spf1 a:a.example -all", "pass"),
        ("v=spf1 a:a.example//64 -all", "pass"),
        ("v=spf1 a:a.example/24//128 -all", "pass"),
    ],
)
def test_the_newer_addresses(record: str, result: str) -> None:
    assert evaluate(record, "2001:db8::1")[0] == result


def test_the_length_is_of_the_kind_of_address() -> None:
    assert evaluate("v=spf1 a:a.example//64 -all", "2001:db8::2")[0] == "pass"
    assert evaluate("v=spf1 a:a.example/24 -all", "2001:db8::2")[0] == "fail"
    assert evaluate("v=spf1 a:a.example/24 -all", "192.0.2.9")[0] == "pass"
    assert evaluate("v=spf1 a:a.example//64 -all", "192.0.2.9")[0] == "fail"


@pytest.mark.parametrize(
    ("record", "why"),
    [
        ("v=spf1 include:gone.example", "gone.example has no SPF record"),
        ("v=spf1 include:old.example", "old.example has no SPF record"),
        ("v=spf1 include:twice.example", "twice.example has 2 SPF records"),
        ("v=spf1 include", "no term of SPF"),
        ("v=spf1 ip4:192.0.2.0/24/8", "no term of SPF"),
        ("v=spf1 ip4:192.0.2.300", "is no network"),
        ("v=spf1 al", "no term of SPF"),
        ("v=spf1 redirect=loop.example", "more than 10 lookups"),
        ("v=spf1 " + "a:a.example " * 11, "more than 10 lookups, at a.example"),
    ],
)
def test_what_no_receiver_can_use(record: str, why: str) -> None:
    with pytest.raises(SpfBroken, match=why):
        evaluate(record)
