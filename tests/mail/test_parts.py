"""The plain text of every mail: written for people, with every link that its HTML has."""

import re
from email.message import EmailMessage

from lxml import html as lxml_html

WIDTH = 72
URL = re.compile(r"(?:https?://|mailto:)[^\s>;]+")


def body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    return part.get_content().replace("\r\n", "\n") if isinstance(part, EmailMessage) else ""


def test_every_link_of_the_html_is_in_the_text(sent: list[EmailMessage]) -> None:
    for message in sent:
        if html := body(message, "html"):
            hrefs = {link for _, _, link, _ in lxml_html.fromstring(html).iterlinks()}
            assert hrefs == set(URL.findall(body(message, "plain"))), message["Subject"]
    assert any("mailto:ada@example.org" in body(message, "plain") for message in sent)


def test_links_are_numbered_in_order_and_each_number_is_listed(sent: list[EmailMessage]) -> None:
    for message in sent:
        text = body(message, "plain")
        listed = [int(n) for n in re.findall(r"(?m)^\[(\d+)\] (?:https?://|mailto:)\S+$", text)]
        spoken = [int(n) for n in re.findall(r"\[(\d+)\](?! (?:https?://|mailto:))", text)]
        assert listed == spoken == list(range(1, len(listed) + 1)), message["Subject"]


def test_lines_fit(sent: list[EmailMessage]) -> None:
    for message in sent:
        for line in body(message, "plain").splitlines():
            assert len(line) <= WIDTH or re.fullmatch(r"\[\d+\] \S+", line), line


def test_the_html_is_small(sent: list[EmailMessage]) -> None:
    assert max(len(body(message, "html").encode()) for message in sent) < 50_000
