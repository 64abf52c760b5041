"""Reading what a mail server answers."""

import smtplib
from typing import BinaryIO, NamedTuple

from subscriptions.masking import tidy

LONGEST_LINE, MOST_LINES = 8192, 100
"""Far above RFC 5321 4.5.3.1.5, which servers exceed; more is no reply but noise."""


class LineLost(Exception):
    """The connection ended, or cannot be understood any more; the text is a masked reason."""


class Reply(NamedTuple):
    code: int
    text: str

    def __str__(self) -> str:
        return tidy(f"{self.code} {self.text}")


def read_reply(stream: BinaryIO) -> Reply:
    """One reply of one line or many (RFC 5321 4.2.1); the code of the last line counts.

    Raises LineLost for the end of the stream, an error of it, and what is no reply.
    """
    texts = []
    for _ in range(MOST_LINES):
        try:
            line = stream.readline(LONGEST_LINE)
        except OSError as error:
            raise LineLost(described(error)) from error
        if line[-1:] != b"\n":
            raise LineLost("a reply without end" if line else "the server closed the connection")
        code, mark = line[:3], line[3:4]
        if not code.isdigit() or not 200 <= int(code) < 600 or mark not in b" -\r\n":
            raise LineLost(tidy(f"not an SMTP reply: {_decoded(line)}"))
        texts.append(_decoded(line[4:]).rstrip())
        if mark != b"-":
            return Reply(int(code), "\n".join(texts))
    raise LineLost("a reply without end")


def reply_in(error: smtplib.SMTPResponseException | tuple[int, bytes]) -> Reply:
    """The server's reply that smtplib raised; code 0 where it was none.

    smtplib's own verdict on an over-long line is a str with code 500.
    """
    code, text = (error.smtp_code, error.smtp_error) if isinstance(error, Exception) else error
    return Reply(0, text) if isinstance(text, str) else Reply(code, _decoded(text))


def described(error: Exception) -> str:
    """An exception as ``Outcome.reply`` has it."""
    return tidy(f"{type(error).__name__}: {error}")


def _decoded(text: bytes) -> str:
    return text.decode("utf-8", "replace")
