"""The exchange of messages on one connection, pipelined where the server allows it."""

import socket
from collections.abc import Mapping
from typing import BinaryIO

from .answers import Stage, accepts, judge
from .envelope import Commands
from .outcomes import Outcome, Result
from .replies import LineLost, Reply, described, read_reply

ENVELOPE = Stage.MAIL, Stage.RCPT, Stage.DATA


class Line:
    """One connection that is ready for messages."""

    def __init__(self, sock: socket.socket, stream: BinaryIO, offers: Mapping[str, str]) -> None:
        self.offers = offers
        """The extensions of EHLO with their parameters, in lower case."""
        self.answered = False
        """Whether a message was taken or turned away on it: the server makes progress."""
        self._sock, self._stream = sock, stream
        self._pipelining = "pipelining" in offers
        self._asked = False
        self._unread = 0

    def ask(self, commands: Commands) -> Outcome | None:
        """Announce a message; None where its content is awaited now.

        Any other Outcome must be followed by ``clear``. Raises LineLost, and Stopped where
        the server refuses this site.
        """
        if self._pipelining and not self._asked:
            self._write(b"".join(commands))
        self._asked = False
        for number, (stage, command) in enumerate(zip(ENVELOPE, commands, strict=True), 1):
            if not self._pipelining:
                self._write(command)
            reply = self._read()
            if accepts(stage, reply.code):
                continue
            outcome = judge(stage, reply)
            if outcome.result is Result.RETRY_SOON:
                raise LineLost(outcome.reply)
            self._unread = len(ENVELOPE) - number if self._pipelining else 0
            self.answered = True
            return outcome
        return None

    def clear(self) -> None:
        """Leave a refused transaction (RFC 2920 3.1: a lone dot answers a 354). Raises LineLost."""
        reply = None
        for _ in range(self._unread):
            reply = self._read()
        self._write(b".\r\n" if reply and reply.code == 354 else b"RSET\r\n")
        self._read()

    def hand_over(self, content: bytes, following: Commands | None) -> None:
        """Write the content of a message and, ahead of their time, the next one's commands.

        ``answer`` must follow. Raises LineLost.
        """
        ahead = following if following and self._pipelining else ()
        self._asked = bool(ahead)
        self._write(b"".join((content, b".\r\n", *ahead)))

    def answer(self) -> Outcome:
        """What the server says to the content.

        Raises LineLost where it says nothing, and Stopped where it refuses this site.
        """
        reply = self._read()
        outcome = judge(Stage.END_OF_DATA, reply)
        if outcome.result is not Result.RETRY_SOON:
            self.answered = True
        elif reply.code != 421:
            raise LineLost(outcome.reply)
        return outcome

    def _read(self) -> Reply:
        return read_reply(self._stream)

    def _write(self, data: bytes) -> None:
        try:
            self._sock.sendall(data)
        except OSError as error:
            raise LineLost(described(error)) from error
