"""Whatever DNS has, a look at it ends in findings."""

import base64

from hypothesis import given, settings
from hypothesis import strategies as st

from subscriptions.delivery.setup.dkim import check_dkim
from subscriptions.delivery.setup.dmarc import check_dmarc
from subscriptions.delivery.setup.findings import Finding
from subscriptions.delivery.setup.lookups import Lookups
from subscriptions.delivery.setup.spf import check_spf

words = st.sampled_from(
    [
        "v=spf1", "v=DMARC1", "v=DKIM1", "p=none", "p=", "sp=x", "rua=", "aspf=s", "k=rsa",
        "k=ed25519", "k=", "h=sha256", "t=y", "s=email", "a", "a:", "mx//", "a/99", "ip4:1",
        "ip4:192.0.2.1/33", "ip6:::/0", "include:x.example", "include:..", "redirect=",
        "exists:%{i", "ptr", "+all", "-ALL", "=", ";", "all=",
    ]
) | st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=12) | st.binary(
    max_size=40
).map(lambda octets: "p=" + base64.b64encode(octets).decode())  # fmt: skip
records = st.lists(words, max_size=8).flatmap(
    lambda found: st.sampled_from([" ", ";", "; "]).map(lambda mark: mark.join(found))
)


class Told(Lookups):
    """Answers every name alike."""

    def __init__(self, texts: list[str]) -> None:
        self._told = texts

    def texts(self, name: str) -> list[str]:
        return self._told

    def exchanges(self, name: str) -> list[str]:
        return [name]

    def addresses(self, name: str) -> list[str]:
        return ["192.0.2.9", "2001:db8::9"]


@given(
    texts=st.lists(records | records.map(lambda text: f"v=spf1 {text}"), max_size=2),
    ip=st.sampled_from([None, "192.0.2.1", "2001:db8::1"]),
)
@settings(max_examples=600, deadline=None)
def test_any_text(texts: list[str], ip: str | None) -> None:
    dns = Told(texts)
    found = [
        check_spf("example.org", ip, "mail.example.org", dns),
        *check_dkim("example.org", ["one"], dns),
        *check_dmarc("example.org", "example.org", None, (), dns),
    ]
    assert all(isinstance(one, Finding) and one.text.isprintable() for one in found)
