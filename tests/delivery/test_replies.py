import io
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from subscriptions.delivery.replies import LONGEST_LINE, MOST_LINES, LineLost, Reply, read_reply

TEXTS = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=60)
REPLIES = st.lists(
    st.tuples(st.integers(200, 599), st.lists(TEXTS, min_size=1, max_size=4)), max_size=5
)


class Pieces(io.RawIOBase):
    """A stream that arrives piece by piece, as on a socket."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = list(pieces)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = self._pieces.pop(0) if self._pieces else b""
        taken = min(len(piece), len(buffer))
        buffer[:taken] = piece[:taken]
        if piece[taken:]:
            self._pieces.insert(0, piece[taken:])
        return taken


def replies_in(*pieces: bytes) -> list[Reply | str]:
    """All replies, and why there is no other."""
    stream = io.BufferedReader(Pieces(pieces))
    found: list[Reply | str] = []
    try:
        while True:
            found.append(read_reply(stream))
    except LineLost as lost:
        return [*found, str(lost)]


def encoded(code: int, lines: list[str]) -> bytes:
    marks = "-" * (len(lines) - 1) + " "
    return "".join(
        f"{code}{mark}{line}\r\n" for mark, line in zip(marks, lines, strict=True)
    ).encode()


@settings(deadline=None)
@given(REPLIES, st.data())
def test_the_same_octets_are_the_same_replies_however_they_arrive(
    replies: list[tuple[int, list[str]]], data: st.DataObject
) -> None:
    octets = b"".join(encoded(*reply) for reply in replies)
    cuts = sorted(data.draw(st.sets(st.integers(1, max(len(octets) - 1, 1)), max_size=9)))
    pieces = [octets[a:b] for a, b in zip([0, *cuts], [*cuts, None], strict=True)]
    assert replies_in(*filter(None, pieces)) == [
        *(Reply(code, "\n".join(line.rstrip() for line in lines)) for code, lines in replies),
        "the server closed the connection",
    ]


@pytest.mark.parametrize(
    ("octets", "reply"),
    [
        (b"250\r\n", Reply(250, "")),
        (b"250 ok\n", Reply(250, "ok")),
        (b"250-\r\n250\r\n", Reply(250, "\n")),
        (b"250-one\r\n550 two\r\n", Reply(550, "one\ntwo")),
        (b"550 caf\xe9\r\n", Reply(550, "caf\ufffd")),
    ],
)
def test_what_is_a_reply(octets: bytes, reply: Reply) -> None:
    assert replies_in(octets)[0] == reply


@pytest.mark.parametrize(
    "octets",
    [
        b"hello\r\n", b"\r\n", b"25\r\n", b"2500 ok\r\n", b"250ok\r\n", b"199 no\r\n",
        b"600 no\r\n", b"-50 no\r\n", b"2_0 no\r\n", b"250-ok\r\nhello\r\n", b"\0\0\0\0\r\n",
    ],
)  # fmt: skip
def test_what_is_none(octets: bytes) -> None:
    (lost,) = replies_in(octets, b"250 ok\r\n")
    assert str(lost).startswith("not an SMTP reply:")


@pytest.mark.parametrize(
    "octets",
    [b"250 ok", b"250 " + b"x" * LONGEST_LINE + b"\r\n", b"250-x\r\n" * MOST_LINES + b"250 x\r\n"],
)
def test_what_has_no_end(octets: bytes) -> None:
    assert replies_in(octets) == ["a reply without end"]


def test_what_is_no_reply_is_told_masked() -> None:
    assert replies_in(b"who is ada@example.org?\r\n") == [
        "not an SMTP reply: who is a\u2026@e\u2026.org?"
    ]
