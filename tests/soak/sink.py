"""A mail server that keeps no mail, only a log of what it took: that log is the truth.

It may be slow, and it may be faulty. Nothing but the standard library is imported here,
because it runs in a process of its own.
"""

import os
import random
import socket
import time
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from threading import Thread
from typing import NamedTuple

RCPT, CONTENT, END, TAKEN = "RCPT", "content", "end", "taken"
"""Where in a message something happens: in its content, at the end of it, and after that."""
DROPPED = "dropped"


class Event(NamedTuple):
    """What became of one message on one connection: a line of the log.

    It is written before the answer is sent. ``message_id`` is there if it was taken.
    """

    answer: str
    """The code; ``DROPPED`` where there was none."""
    stage: str
    recipient: str
    message_id: str = ""


class Fault(NamedTuple):
    """What the server does instead of taking a message; a reply of none ends the line."""

    stage: str
    reply: str


FAULTS = (
    *(
        Fault(stage, reply)
        for stage in (RCPT, END)
        for reply in (
            "421 4.3.2 shutting down",
            "450 4.2.1 try again later",
            "451 4.7.1 greylisted",
            "452 4.2.2 mailbox full",
            "454 4.7.0 too fast",
            "554 5.2.1 mailbox disabled",
            "",
        )
    ),
    Fault(CONTENT, ""),
    Fault(TAKEN, ""),
)


class Dials(NamedTuple):
    """What both processes see, and the parent may turn."""

    delay: "Synchronized[float]"
    """Seconds that each message takes at least, on its connection."""
    faults: "Synchronized[float]"
    """The part of the messages that meet with one of ``FAULTS``."""
    accepted: "Synchronized[int]"
    """How many messages were taken so far."""
    lines: "Synchronized[int]"
    """How many connections are open."""


class Sink:
    """The server as its parent holds it."""

    def __init__(self, log: Path) -> None:
        context = get_context("spawn")  # no copy of what else the parent holds
        self.log = log
        self.dials = Dials(
            context.Value("d", 0.0), context.Value("d", 0.0), context.Value("i"), context.Value("i")
        )
        with socket.create_server(("127.0.0.1", 0), backlog=100) as listening:
            self.port: int = listening.getsockname()[1]
            self._process = context.Process(
                target=_serve, args=(listening, log, self.dials), daemon=True
            )
            self._process.start()

    def events(self) -> list[Event]:
        return [Event(*line.split()) for line in self.log.read_text().splitlines()]

    def close(self) -> None:
        self._process.terminate()
        self._process.join()


def _serve(listening: socket.socket, log: Path, dials: Dials) -> None:
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    while True:
        line, _ = listening.accept()
        # Counted before it is greeted: where none is open, none can bring a message.
        _add(dials.lines, 1)
        Thread(target=_converse, args=(line, file, dials), daemon=True).start()


def _converse(line: socket.socket, log: int, dials: Dials) -> None:
    try:
        with line, suppress(OSError):
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            _Conversation(line, log, dials).run()
    finally:
        _add(dials.lines, -1)


def _add(dial: "Synchronized[int]", number: int) -> None:
    with dial.get_lock():
        dial.value += number


class _Dropped(Exception):
    """This connection is over."""


class _Conversation:
    """One connection, from the greeting to its end."""

    def __init__(self, line: socket.socket, log: int, dials: Dials) -> None:
        self._line, self._log, self._dials = line, log, dials
        self._stream = line.makefile("rb")
        self._recipient = ""
        self._fault: Fault | None = None

    def run(self) -> None:
        self._say("220 sink ESMTP")
        answers = {
            "EHLO": "250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SMTPUTF8",
            "MAIL": "250 2.1.0 ok",
            "RSET": "250 2.0.0 ok",
            "QUIT": "221 2.0.0 bye",
        }
        with suppress(_Dropped):
            while command := self._stream.readline().decode():
                verb = command[:4].strip().upper()
                if verb == "RCPT":
                    self._rcpt(command[command.index("<") + 1 : command.rindex(">")])
                elif verb == "DATA":
                    self._data()
                else:
                    self._say(answers.get(verb, "502 5.5.1 no such command"))
                if verb == "QUIT":
                    return

    def _rcpt(self, recipient: str) -> None:
        self._recipient, self._fault = recipient, None
        if random.random() < self._dials.faults.value:
            self._fault = random.choice(FAULTS)
        if not self._fails(RCPT):
            self._say("250 2.1.5 ok")

    def _data(self) -> None:
        if not self._recipient:
            self._say("503 5.5.1 nobody to send it to")
            return
        self._say("354 go on")
        message_id = self._read_content()
        time.sleep(self._dials.delay.value / 2)
        if not self._fails(END):
            dropped = self._fault is not None  # it is TAKEN
            event = (DROPPED, TAKEN) if dropped else ("250", END)
            _write(self._log, Event(*event, self._recipient, message_id))
            _add(self._dials.accepted, 1)
            time.sleep(self._dials.delay.value / 2)
            if dropped:
                raise _Dropped
            self._say("250 2.0.0 taken")
        self._recipient = ""

    def _read_content(self) -> str:
        """Read up to the lone dot; the Message-ID."""
        message_id = ""
        while (line := self._stream.readline()) != b".\r\n":
            if not line:
                raise _Dropped
            if line[:11].lower() == b"message-id:" and not message_id:
                message_id = line[11:].decode().strip()
                self._fails(CONTENT)
        return message_id

    def _fails(self, stage: str) -> bool:
        """Whether the fault of this message is here; it is logged and answered then."""
        if self._fault is None or self._fault.stage != stage:
            return False
        reply = self._fault.reply
        _write(self._log, Event(reply[:3] or DROPPED, stage, self._recipient))
        if reply:
            self._say(reply)
        if not reply or reply.startswith("421"):
            raise _Dropped
        self._recipient = ""
        return True

    def _say(self, reply: str) -> None:
        self._line.sendall(f"{reply}\r\n".encode())


def _write(log: int, event: Event) -> None:
    """In one call, so that lines are whole and in order, and outlive this process."""
    os.write(log, f"{' '.join(event).strip()}\n".encode())
