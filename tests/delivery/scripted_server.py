"""A real SMTP server on a real socket that answers as a test says, and keeps what it got."""

import re
import socket
import ssl
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import NamedTuple, Self

EXTENSIONS = "PIPELINING", "SIZE 100000", "8BITMIME", "SMTPUTF8"

Answers = Mapping[tuple[str, int], str | Sequence[str]]


class Received(NamedTuple):
    """A message that was answered with 250."""

    mail: str
    rcpt: str
    data: bytes


class _Gone(Exception):
    """The connection is over."""


class ScriptedServer:
    """Listens on ``port`` within a ``with`` statement, a thread for each connection.

    ``answers`` has what it says at a stage (greeting, EHLO, STARTTLS, TLS, AUTH: of the n-th
    connection; MAIL, RCPT, DATA, END and the lone DOT: of the message whose sender is
    ``…+n@…``): one answer for always, or several for the first times. An answer is a reply
    without its line end, or what happens to the line:

    - ``drop``: it is closed after everything that comes is read
    - ``reset``: it is torn down at once
    - ``stall``: nothing is answered until the test is over
    - ``250 ok|drop``: first one, then the other

    A reply 421 drops the line. Otherwise the server is strict: a command out of order gets
    503, also MAIL in an open transaction. ``unheard`` answers DATA without a recipient.
    """

    def __init__(
        self,
        answers: Answers | None = None,
        *,
        offers: Sequence[str] = EXTENSIONS,
        unheard: str = "503 5.5.1 no recipient",
        close_after: int = 0,
        tls: ssl.SSLContext | None = None,
        implicit_tls: bool = False,
    ) -> None:
        self.answers, self.offers, self.unheard = dict(answers or {}), offers, unheard
        self.close_after, self.tls, self.implicit_tls = close_after, tls, implicit_tls
        self.messages: list[Received] = []
        self.commands: list[str] = []
        self.chunks: list[bytes] = []
        """What each read brought: with PIPELINING, several commands in one."""
        self.connections = 0
        self._times: Counter[tuple[str, int]] = Counter()
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []
        self._sockets: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(10)

    @property
    def delivered(self) -> list[int]:
        """The numbers of the messages that were accepted, in order."""
        return [_number(message.mail) for message in self.messages]

    def verbs(self) -> list[str]:
        return [command.split(" ")[0].upper() for command in self.commands]

    def answer(self, stage: str, number: int, default: str) -> str:
        """What to say this time."""
        said = self.answers.get((stage, number), default)
        if isinstance(said, str):
            return said
        time = self._times[stage, number]
        self._times[stage, number] += 1
        return said[time] if time < len(said) else default

    def stall(self) -> None:
        self._over.wait(60)

    def finish(self) -> None:
        """Let it act on all that came over lines that the client has ended."""
        for thread in self._threads[1:]:
            thread.join(10)

    def _start(self, work: object, *args: object) -> None:
        thread = threading.Thread(target=work, args=args, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._start(_Session(self, sock, self.connections).run)


class _Session:
    """One connection."""

    def __init__(self, server: ScriptedServer, sock: socket.socket, number: int) -> None:
        self.server, self.sock, self.number = server, sock, number
        self.buffer = b""
        self.mail = self.rcpt = ""
        self.accepted = 0
        self.secure = False

    def run(self) -> None:
        try:
            if self.server.implicit_tls:
                self.encrypt()
            self.say("greeting", self.number, "220 scripted ESMTP")
            while True:
                self.obey(self.read_until(b"\r\n").decode())
        except (_Gone, OSError):
            pass
        finally:
            self.sock.close()

    def obey(self, command: str) -> None:
        self.server.commands.append(command)
        match command.split(" ")[0].upper():
            case "EHLO":
                self.ehlo()
            case "STARTTLS":
                if self.say("STARTTLS", self.number, "220 go ahead"):
                    self.encrypt()
            case "AUTH":
                self.say("AUTH", self.number, "235 2.7.0 welcome")
            case "MAIL":
                self.begin(command)
            case "RCPT":
                self.recipient(command)
            case "DATA":
                self.data()
            case "RSET":
                self.mail = self.rcpt = ""
                self.write("250 2.0.0 forgotten")
            case "QUIT":
                self.write("221 2.0.0 bye")
                raise _Gone
            case _:
                self.write("500 5.5.2 what?")

    def ehlo(self) -> None:
        offers = [
            offer for offer in self.server.offers if not (self.secure and offer == "STARTTLS")
        ]
        lines = ["scripted", *offers]
        said = "\r\n".join(f"250-{line}" for line in lines[:-1])
        self.say("EHLO", self.number, f"{said}\r\n250 {lines[-1]}".lstrip())

    def begin(self, command: str) -> None:
        if self.mail:
            self.write("503 5.5.1 nested MAIL")
        elif self.say("MAIL", _number(command), "250 2.1.0 sender ok"):
            self.mail = command

    def recipient(self, command: str) -> None:
        if not self.mail:
            self.write("503 5.5.1 MAIL first")
        elif self.say("RCPT", _number(self.mail), "250 2.1.5 recipient ok"):
            self.rcpt = command

    def data(self) -> None:
        number, heard = _number(self.mail), bool(self.rcpt)
        if not self.say("DATA", number, "354 go on" if heard else self.server.unheard):
            return
        self.buffer = b"\r\n" + self.buffer
        data = (self.read_until(b"\r\n.\r\n") + b"\r\n")[2:]
        mail, rcpt, self.mail, self.rcpt = self.mail, self.rcpt, "", ""
        if not heard:
            self.server.commands.append(f"({len(data)} octets for nobody)")
            self.say("DOT", number, "554 5.5.1 no valid recipients")
            return
        if self.say("END", number, "250 2.0.0 queued", Received(mail, rcpt, data)):
            self.accepted += 1
            if self.accepted == self.server.close_after:
                self.do("drop")

    def say(self, stage: str, number: int, default: str, accepted: Received | None = None) -> bool:
        """Answer; whether it was an acceptance."""
        for part in self.server.answer(stage, number, default).split("|"):
            if accepted and part.startswith("250"):
                self.server.messages.append(accepted)
            self.do(part)
        return part[:1] in "23"

    def do(self, part: str) -> None:
        match part:
            case "drop":
                self.sock.shutdown(socket.SHUT_WR)
                while self.sock.recv(65536):
                    pass
                raise _Gone
            case "reset":
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                raise _Gone
            case "":
                pass
            case "stall":
                self.server.stall()
                raise _Gone
            case _:
                self.write(part)
                if part.startswith("421"):
                    self.do("drop")

    def write(self, reply: str) -> None:
        self.sock.sendall(f"{reply}\r\n".encode())

    def read_until(self, end: bytes) -> bytes:
        while end not in self.buffer:
            chunk = self.sock.recv(65536)
            if not chunk:
                raise _Gone
            self.server.chunks.append(chunk)
            self.buffer += chunk
        found, _, self.buffer = self.buffer.partition(end)
        return found

    def encrypt(self) -> None:
        assert self.server.tls
        self.do(self.server.answer("TLS", self.number, ""))
        self.sock = self.server.tls.wrap_socket(self.sock, server_side=True)
        self.buffer, self.secure = b"", True


def _number(command: str) -> int:
    found = re.search(r"\+(\d+)@", command)
    return int(found[1]) if found else 0
