"""Reads the mailbox that ``IMAP_URL`` names: takes what is ours, and leaves the rest alone."""

import datetime as dt
import hashlib
import logging
import ssl
from collections import Counter
from collections.abc import Callable
from functools import cache, partial
from imaplib import IMAP4
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.db import InterfaceError, OperationalError
from imap_tools import (
    BaseMailBox,
    MailBox,
    MailBoxStartTls,
    MailBoxUnencrypted,
)
from imap_tools.errors import ImapToolsError
from imap_tools.utils import encode_folder

from subscriptions.masking import tidy
from subscriptions.models import MailboxState

from .bounces import apply_waiting
from .inbound import LARGEST, Taken, take

EVERY = dt.timedelta(minutes=3)
LEASE = dt.timedelta(minutes=15)
"""After so long who read the mailbox is gone."""
BUDGET = dt.timedelta(minutes=5)
"""A look ends after so long, and the next goes on: others wait for the same worker."""
MOST = 500
"""Messages of one look."""
TIMEOUT = 30.0
"""Seconds that one answer of the server may take."""
FOLDERS = "Paper Round", "Taken"
"""Where what was taken is kept, one in the other."""
PORTS = {"imaps": 993, "imap+tls": 143, "imap": 143}
PUT_ASIDE = Taken.NOTED, Taken.UNSUBSCRIBED, Taken.NOTHING

logger = logging.getLogger(__name__)


class Account(NamedTuple):
    """What ``IMAP_URL`` says."""

    scheme: str
    host: str
    port: int
    user: str
    password: str
    folder: str


class Aside(NamedTuple):
    """Where taken messages go, and how."""

    folder: str
    can_move: bool


def account(url: str) -> Account:
    """``imaps://user:password@host:993/INBOX``, percent-encoded. Raises ValueError."""
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:  # it would quote what may be of the password
        raise ValueError("its port is no number, or its password not percent-encoded") from None
    if parts.scheme not in PORTS:
        raise ValueError(f"it begins with {' or '.join(f'{name}://' for name in PORTS)}")
    if not (parts.hostname and parts.username and parts.password):
        raise ValueError("it names a user, a password and a host")
    return Account(
        parts.scheme,
        parts.hostname,
        port or PORTS[parts.scheme],
        unquote(parts.username),
        unquote(parts.password),
        unquote(parts.path.strip("/")) or "INBOX",
    )


def due(now: dt.datetime) -> bool:
    return bool(settings.IMAP_URL) and MailboxState.objects.due(now, EVERY)


def poll(clock: Callable[[], dt.datetime]) -> Counter[Taken]:
    """Look through what came since the last look; how many became of each kind.

    Nothing happens where another worker reads, or did a moment ago. What goes wrong is logged
    when it begins and when it is over.
    """
    now = clock()
    done: Counter[Taken] = Counter()
    if not MailboxState.objects.lease(now, now + LEASE, EVERY):
        return done
    try:
        trouble = _read_all(done, clock)
    finally:
        MailboxState.objects.filter(pk=1).update(leased_until=None)
    _tell(trouble, now)
    if done[Taken.NOTED]:
        apply_waiting(clock())
    return done


def _read_all(done: Counter[Taken], clock: Callable[[], dt.datetime]) -> str:
    """What is wrong with the mailbox; empty where nothing is."""
    try:
        where = account(settings.IMAP_URL)
    except ValueError as error:
        return f"IMAP_URL: {error}"
    try:
        _read(where, done, clock)
    except (OSError, IMAP4.error, ImapToolsError) as error:
        return tidy(f"{type(error).__name__}: {error}".replace(where.password, "…"))
    return ""


def _read(where: Account, done: Counter[Taken], clock: Callable[[], dt.datetime]) -> None:
    """Take the messages that came since; how far it got is kept, whatever happens."""
    until = clock() + BUDGET
    with _connect(where) as mailbox:
        mailbox.login(where.user, where.password, where.folder)
        place = _place(mailbox, where)
        aside = cache(partial(_aside, mailbox))  # asked for when there is something to move
        try:
            for uid in _newer(mailbox, place["last_uid"])[:MOST]:
                if clock() >= until:
                    break
                if taken := _taken(mailbox, uid, aside, clock()):
                    done[taken] += 1
                place["last_uid"] = uid
        finally:
            MailboxState.objects.filter(pk=1).update(**place)


def _connect(where: Account) -> BaseMailBox:
    """Certificates are checked. Raises OSError."""
    if where.scheme == "imap":
        return MailBoxUnencrypted(where.host, where.port, timeout=TIMEOUT)
    kind = MailBox if where.scheme == "imaps" else MailBoxStartTls
    context = ssl.create_default_context()
    return kind(where.host, where.port, timeout=TIMEOUT, ssl_context=context)


def _place(mailbox: BaseMailBox, where: Account) -> dict[str, Any]:
    """How far the mailbox was read, as ``MailboxState`` has it: another one from its beginning."""
    name = f"{where.user}@{where.host}/{where.folder}"
    place = {
        "mailbox": hashlib.sha256(name.encode()).hexdigest(),
        "uid_validity": int(mailbox.client.response("UIDVALIDITY")[1][0] or 0),
    }
    known = MailboxState.objects.filter(pk=1, **place).values_list("last_uid", flat=True)
    return {**place, "last_uid": known.first() or 0}


def _newer(mailbox: BaseMailBox, last: int) -> list[int]:
    """UIDs above ``last``, the oldest first; where there are none, servers tell the newest."""
    told = mailbox.uids(f"UID {last + 1}:*", charset=None)
    return sorted(uid for uid in map(int, told) if uid > last)


def _taken(
    mailbox: BaseMailBox, uid: int, aside: Callable[[], Aside], now: dt.datetime
) -> Taken | None:
    """Take one message and put it aside if it was ours; None where that went wrong.

    What is wrong with one message stops no other. Raises where the server or the database is away.
    """
    try:
        message = _fetch(mailbox, uid)
        taken = take(message, None, now) if message else None
        if taken in PUT_ASIDE:
            _put_aside(mailbox, str(uid), aside())
    except (OSError, IMAP4.abort, OperationalError, InterfaceError):
        raise
    except Exception:
        logger.exception("message %s in the mailbox was left as it is", uid)
        return None
    return taken


def _fetch(mailbox: BaseMailBox, uid: int) -> bytes | None:
    """The beginning of a message, which stays unread; None where it is gone."""
    _, answer = mailbox.client.uid("FETCH", str(uid), f"(BODY.PEEK[]<0.{LARGEST}>)")
    return next((bytes(part[1]) for part in answer if isinstance(part, tuple)), None)


def _put_aside(mailbox: BaseMailBox, uid: str, aside: Aside) -> None:
    """Move a message (RFC 6851). A server without MOVE keeps it as well, marked as deleted.

    Never EXPUNGE, which takes away what others marked, too; ``mailbox.flag`` and, without MOVE,
    ``mailbox.move`` do.
    """
    if aside.can_move:
        _check(mailbox.client.uid("MOVE", uid, encode_folder(aside.folder).decode()))
    else:
        mailbox.copy(uid, aside.folder)
        _check(mailbox.client.uid("STORE", uid, "+FLAGS.SILENT", r"(\Deleted)"))


def _check(answer: tuple[str, list[Any]]) -> None:
    if answer[0] != "OK":
        raise IMAP4.error(f"the server answered {answer}")


def _aside(mailbox: BaseMailBox) -> Aside:
    known = mailbox.client.capability()[1][0] or b""  # servers tell more after the login
    return Aside(_folder(mailbox), b"MOVE" in known.upper().split())


def _folder(mailbox: BaseMailBox) -> str:
    """Made if it is missing; some servers have all below INBOX."""
    delimiter = next((one.delim for one in mailbox.folder.list("", "INBOX")), "/")
    names = [delimiter.join(FOLDERS), delimiter.join(("INBOX", *FOLDERS))]
    for name in names:
        if mailbox.folder.exists(name):
            return name
    try:
        mailbox.folder.create(names[0])
    except ImapToolsError:
        mailbox.folder.create(names[1])
        return names[1]
    return names[0]


def _tell(trouble: str, now: dt.datetime) -> None:
    """Keep what is wrong for those who ask, and log that it begins or is over."""
    state = MailboxState.objects.filter(pk=1)
    if trouble and state.filter(trouble="").update(trouble=trouble, trouble_since=now):
        logger.warning("the mailbox cannot be read: %s", trouble)
    elif trouble:
        state.update(trouble=trouble)
    elif state.exclude(trouble="").update(trouble="", trouble_since=None):
        logger.warning("the mailbox can be read again")
