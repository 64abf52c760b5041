"""What nobody means well with: damaged and enormous messages end in reports, and end."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from subscriptions.delivery.bounces import parse, verdict

from .mutations import mutations

MANY = 5_000_000
HEAD = b"From: MAILER-DAEMON@mx.example\nSubject: Undelivered Mail\n"
FIELDS = (
    b"Content-Type: multipart/report; boundary=b\n\n"
    b"--b\nContent-Type: message/delivery-status\n\nFinal-Recipient: rfc822; a@b.example\n"
)
scraps = st.sampled_from(
    [
        "550 5.1.1 ", "user unknown", "<a@b.example>", "a@b.example: ", "Final-Recipient: rfc822; ",
        "Action: failed", "Status: 5.1.1", "Diagnostic-Code: smtp; ", "\n", "\n\n", ">>> RCPT TO",
        "Content-Type: multipart/report; boundary=b", "--b", "--b--", "message/delivery-status",
        "Content-Transfer-Encoding: base64", "Subject: Undelivered Mail", "From: MAILER-DAEMON",
        "{", '"Type":', "Feedback-Type: abuse", "=?utf-8?q?", "said: ", "\x00", "メール", "\ud800",
    ]
)  # fmt: skip


def test_mutations_of_real_bounces_are_read(real_data: Path) -> None:
    for message in mutations(real_data / "bounces"):
        assert all(each.reason != "unreadable" for each in parse(message))


@given(st.lists(st.one_of(scraps, st.text(max_size=9)), max_size=40))
@settings(max_examples=150, deadline=None)
def test_any_text_is_read(pieces: list[str]) -> None:
    reports = parse("".join(pieces).encode("utf-8", "surrogatepass"))
    assert all(each.reason != "unreadable" for each in reports)
    verdict("550", "", "".join(pieces))


@given(st.binary(max_size=400))
@settings(max_examples=100, deadline=None)
def test_any_bytes_are_read(content: bytes) -> None:
    parse(content)


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        (b"Content-Type: text/plain\n\n", b"<a@b.example>: 550 user is not a recipient\n"),
        (b"Content-Type: text/plain\n\n", b"a"),
        (b"Content-Type: text/plain\n\n", b"user not mail account "),
        (b"Content-Type: text/html\n\n", b"<style><br <a "),
        (FIELDS + b"Diagnostic-Code: x", b" a\n"),
        (b'Content-Type: text/plain; a="', b";"),
        (b"X: ", b"=?a?q?"),
        (b"Content-Type: multipart/mixed; boundary=b\n\n", b"--b\n\nx\n"),
    ],
)
def test_five_megabytes_come_to_an_end(head: bytes, piece: bytes) -> None:
    """A quadratic step here takes hours; how long these take is measured elsewhere."""
    assert len(parse(HEAD + head + piece * (MANY // len(piece)))) <= 50


@pytest.mark.parametrize(
    "part",
    [
        "Content-Type: multipart/mixed; boundary=b{0}\n\n--b{0}\n",
        "Content-Type: message/rfc822\n\n",
        "content-type:\tmultipart/mixed;\n\tboundary=b{0}\n\n--b{0}\n",
    ],
)
def test_parts_within_parts_without_end_come_to_an_end(part: str) -> None:
    deep = "".join(part.format(n) for n in range(3000)).encode()
    (found,) = parse(HEAD + deep)
    assert (found.address, found.reason) == ("", "a notice that says nothing")


@pytest.mark.parametrize("head", [b"From: D\xe4mon <daemon@mx.example>", b"From: \xff", b"X: y"])
def test_a_sender_that_a_library_cannot_read_hides_nobody(
    head: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """Its tracebacks may hold addresses, and are not for the log."""
    content = b"\nSubject: Delivery failure\n\nUnknown user: ada@b.example\n"
    found = parse(head + b"\nReturn-Path: <>" + content)
    assert [each.address for each in found] == ["ada@b.example"]
    assert caplog.records == []
