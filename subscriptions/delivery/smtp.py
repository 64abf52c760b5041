"""Many messages over one SMTP connection."""

import logging
import smtplib
import socket
from typing import BinaryIO, NamedTuple, cast

from django.conf import settings

from .connecting import connect
from .dkim_signing import signed
from .envelope import Commands, Unsendable, commands
from .line import Line
from .message import Check, Message, Messages
from .outcomes import Fault, Outcome, Outcomes, Result, Stopped, Unavailable, unencoded
from .replies import LineLost

logger = logging.getLogger(__name__)

INTERRUPTED = Outcome(Result.IN_DOUBT, "interrupted while it was handed over", Fault.TEMPORARY)


class SmtpTransport:
    """A connection to ``EMAIL_HOST``, opened for the first message and kept until ``close``."""

    def __init__(self, timeout: float | None = None) -> None:
        """``timeout``: how many seconds an answer may take, where not ``EMAIL_TIMEOUT``."""
        self._timeout = timeout or settings.EMAIL_TIMEOUT
        self._client: smtplib.SMTP | None = None
        self._line: Line | None = None

    def send(self, messages: Messages, outcomes: Outcomes, check: Check) -> None:
        """Hand over messages; ``outcomes`` tells at every moment what became of each.

        While the server reads a message, the next but one is taken: making it costs no time.
        ``check`` is called right before the content of each is written; what it raises ends
        this. A message is IN_DOUBT from before its first octet is written until it is
        answered. Where a line ends on which a message was taken or turned away, a new one is
        opened.

        Raises Unavailable, or Stopped, where there is no usable connection for what is left,
        and whatever ``messages`` and ``check`` raise.
        """
        run = _Run(messages, outcomes, check)
        try:
            while run.take():
                self._advance(run)
        except BaseException:
            self._drop()
            raise

    def close(self) -> None:
        """End the connection with QUIT."""
        if self._client is not None:
            try:
                self._client.quit()
            except OSError:  # smtplib's errors are some too
                self._client.close()
        self._client = self._line = None

    def _advance(self, run: "_Run") -> None:
        try:
            line = self._line = self._line or self._open()
            run.advance(line)
        except LineLost as lost:
            self._drop()
            run.lose(str(lost), again=line.answered)
        except Unavailable as error:
            run.leave(str(error))
            raise

    def _open(self) -> Line:
        client = self._client = connect(self._timeout)
        sock, replies = cast(socket.socket, client.sock), cast(BinaryIO, client.file)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return Line(sock, replies, client.esmtp_features)

    def _drop(self) -> None:
        """Close without QUIT: a server that awaits content would take that for some."""
        if self._client is not None:
            self._client.close()
        self._client = self._line = None


class _Letter(NamedTuple):
    key: int
    message: Message
    content: bytes


class _Run:
    """How far one call of ``send`` has come."""

    def __init__(self, messages: Messages, outcomes: Outcomes, check: Check) -> None:
        self._messages, self._outcomes, self._check = iter(messages), outcomes, check
        self._awaited: _Letter | None = None
        """The server waits for its content; none is written."""
        self._due: _Letter | None = None
        """To be announced next."""
        self._ahead: _Letter | None = None
        """Made while the server was busy; to be announced after that."""

    def take(self) -> bool:
        """Take the next message, if there is one; whether there is anything to do."""
        if self._due is None:
            self._due, self._ahead = self._ahead or self._make(), None
        return bool(self._due or self._awaited)

    def _make(self) -> _Letter | None:
        for key, message in self._messages:
            try:
                return _Letter(key, message, signed(message.wire()))
            except Stopped as error:
                self._outcomes[key] = Outcome(Result.NOT_TRIED, str(error))
                raise
            except Exception as error:  # one bad message must not stop the rest
                logger.exception("message %s was not encoded", key)
                self._outcomes[key] = unencoded(error)
        return None

    def advance(self, line: Line) -> None:
        """Write the content that is awaited, and announce the message that is due.

        Raises LineLost and Stopped.
        """
        due, following = self._due, None
        if due:
            try:
                following = commands(due.message, due.content, line.offers)
            except Unsendable as error:
                self._outcomes[due.key] = Outcome(Result.REFUSED, str(error), Fault.OURS)
                self._due = None
                return
        if self._awaited:
            self._hand_over(self._awaited, line, following)
        if due and following:
            self._announce(due, line, following)

    def lose(self, reply: str, *, again: bool) -> None:
        """The line ended; raises Unavailable unless a new one is worth a try ``again``."""
        if self._awaited and self._outcomes[self._awaited.key] is INTERRUPTED:
            self._outcomes[self._awaited.key] = Outcome(Result.IN_DOUBT, reply, Fault.TEMPORARY)
        if not again:
            if self._due:
                result = Result.NOT_TRIED if self._awaited else Result.RETRY_SOON
                self._outcomes[self._due.key] = Outcome(result, reply, Fault.TEMPORARY)
            raise Unavailable(reply)
        self._awaited = None

    def leave(self, reply: str) -> None:
        """What was taken stays untried."""
        for letter in (self._awaited, self._due, self._ahead):
            if letter:
                self._outcomes[letter.key] = Outcome(Result.NOT_TRIED, reply)

    def _hand_over(self, letter: _Letter, line: Line, following: Commands | None) -> None:
        self._check()
        self._outcomes[letter.key] = INTERRUPTED
        line.hand_over(letter.content, following)
        self._ahead = self._ahead or self._make()
        outcome = self._outcomes[letter.key] = line.answer()
        if outcome.result is Result.RETRY_SOON:
            raise LineLost(outcome.reply)
        self._awaited = None

    def _announce(self, letter: _Letter, line: Line, following: Commands) -> None:
        refused = line.ask(following)
        self._due = None
        if refused:
            self._outcomes[letter.key] = refused
            line.clear()
        else:
            self._awaited = letter
