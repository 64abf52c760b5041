"""What each answer of a mail server means (RFC 5321 4.2, RFC 3463): one table."""

import re
from enum import Enum
from typing import NamedTuple

from .outcomes import Fault, Outcome, Result, Stopped
from .replies import Reply


class Stage(Enum):
    """The command that was answered."""

    CONNECT = "greeting"
    EHLO = "EHLO"
    STARTTLS = "STARTTLS"
    AUTH = "AUTH"
    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"
    END_OF_DATA = "end of data"


class Action(Enum):
    ACCEPT = "accept"
    RETRY_SOON = "retry soon"
    """This connection is over; the message can go on the next one."""
    RETRY_LATER = "retry later"
    GIVE_UP = "give up"
    """This message will never be taken."""
    STOP = "stop"
    """No message will be taken until somebody has changed something here."""


class Row(NamedTuple):
    """Where every pattern fits, this is what is done, and whose fault it is.

    ``code`` and ``enhanced`` must match as a whole, ``text`` anywhere.
    """

    stages: tuple[Stage, ...]
    code: str
    enhanced: str
    text: str
    action: Action
    fault: Fault


_ANY = tuple(Stage)
_OPENING = Stage.CONNECT, Stage.EHLO, Stage.STARTTLS, Stage.AUTH
_TLS_AUTH = Stage.STARTTLS, Stage.AUTH
_MAIL, _RCPT = (Stage.MAIL,), (Stage.RCPT,)
_CONTENT = Stage.DATA, Stage.END_OF_DATA
_AFTER_MAIL = Stage.RCPT, *_CONTENT
_MESSAGE = Stage.MAIL, *_AFTER_MAIL
RELAY = (
    r"authentication (is )?required|must authenticate|not authenticated|auth\w* first"
    r"|relay\w* (access )?(is )?(denied|not (permitted|allowed)|prohibited)"
    r"|(unable|not (permitted|allowed)) to relay|credentials for relay|allowed rcpthosts"
)
CLIENT = (
    r"(sender address|client host|helo command) rejected|client host .*blocked using"
    r"|sender verify failed"
)
_REPUTATION = r"\bsender\b|\bspam|block(ed|list)|blacklist|reputation"
ACCOUNT = (
    r"email address is not verified|verified sender|sending paused|sending (limit|quota)"
    r"|emails per hour"
)
_SOON, _LATER = Action.RETRY_SOON, Action.RETRY_LATER
_GIVE_UP, _STOP = Action.GIVE_UP, Action.STOP
_ADDRESS, _OURS, _TEMPORARY = Fault.ADDRESS, Fault.OURS, Fault.TEMPORARY

# fmt: off
TABLE = (
    # It closes the line: a restart, an idle limit, too many messages, Gmail's 4.7.28.
    Row(_ANY,        "421", ".*", "", _SOON, _TEMPORARY),
    # TLS or the password store is away for a moment; no message was tried.
    Row(_TLS_AUTH,   "454", ".*", "", _SOON, _TEMPORARY),
    # Greylisting 450/451, full disk or too much mail 452, SES "454 Throttling failure".
    Row(_ANY,        "4..", ".*", "", _LATER, _TEMPORARY),
    # A blocklisted client 554, EHLO name refused 550, no TLS 502, AUTH 530, 534, 535.
    Row(_OPENING,    "5..", ".*", "", _STOP, _OURS),
    # Larger than the server or the mailbox takes: this message only. RFC 1870, RFC 3463.
    Row(_MESSAGE,    "5..", r"5\.(2\.3|3\.4)", "", _GIVE_UP, _OURS),
    # No UTF-8 in this address, or in this message, on the way there. RFC 6531 3.5, 3.6.
    Row(_MESSAGE,    "5..", r"5\.6\.(7|9)", "", _GIVE_UP, _OURS),
    # As 5.3.4 from a server without enhanced codes.
    Row(_MAIL,       "552", ".*", "", _GIVE_UP, _OURS),
    # Sender's domain 553 5.1.8, not ours to send as 550 5.7.1, parameters or syntax 501/555.
    Row(_MAIL,       "5..", ".*", "", _STOP, _OURS),
    # Postfix answers at RCPT for MAIL: bad sender; Exchange: "send as" denied.
    Row(_AFTER_MAIL, "5..", r"5\.(1\.[78]|2\.252|7\.60)", "", _STOP, _OURS),
    # Answered at RCPT for an earlier stage: sender not ours, blocklisted, EHLO name.
    Row(_RCPT,       "5..", r"(5\.[^12]\..*)?", CLIENT, _STOP, _OURS),
    # SES "554 Email address is not verified", SendGrid 550, Gmail "550 5.4.5 Daily … limit".
    Row(_AFTER_MAIL, "5..", r"(5\.[^12]\..*)?", ACCOUNT, _STOP, _OURS),
    # Our reputation, whatever the code says (Cloudmark "550 5.1.0 sender rejected").
    Row(_AFTER_MAIL, "5..", r"(5\.[12]\..*)?", _REPUTATION, _GIVE_UP, _OURS),
    # No such mailbox 5.1.1, domain 5.1.2, syntax 5.1.3; closed 5.2.1, full 552 5.2.2. Before
    # the texts below: such a reply may quote what another server said.
    Row(_AFTER_MAIL, "5..", r"5\.[12]\..*", "", _GIVE_UP, _ADDRESS),
    # "530 5.7.0 Must issue a STARTTLS command first", "530 Authentication required".
    Row(_AFTER_MAIL, "530", ".*", "", _STOP, _OURS),
    # Postfix "554 5.7.1 Relay access denied", Exim "550 relay not permitted", Exchange 5.7.54.
    Row(_RCPT,       "5..", ".*", RELAY, _STOP, _OURS),
    # Policy: Outlook 5.7.606 banned address, 5.7.26 DMARC. Our reputation, nobody's address.
    Row(_RCPT,       "5..", r"5\.7\..*", "", _GIVE_UP, _OURS),
    # Out of step, or a command unknown: 500, 502, 503, 504, and protocol errors 5.5.x.
    Row(_RCPT,       "50[0234]", ".*", "", _GIVE_UP, _OURS),
    Row(_RCPT,       "5..", r"5\.5\..*", "", _GIVE_UP, _OURS),
    # 550 no such user, 552 mailbox full, 553 or 501 name not allowed, Exchange 5.4.1.
    Row(_RCPT,       "5..", ".*", "", _GIVE_UP, _ADDRESS),
    # What it says is refused (554 5.7.1 spam, 552 too large, 550 5.7.26 DMARC).
    Row(_CONTENT,    "5..", ".*", "", _GIVE_UP, _OURS),
    # No answer (code 0), not SMTP, or out of step: what the server means cannot be known.
    Row(_ANY,        ".*",  ".*", "", _SOON, _TEMPORARY),
)
# fmt: on

_RESULTS = {
    Action.ACCEPT: Result.SENT,
    Action.RETRY_SOON: Result.RETRY_SOON,
    Action.RETRY_LATER: Result.RETRY_LATER,
    Action.GIVE_UP: Result.REFUSED,
}
_ENHANCED = re.compile(r"(?<![\w.])[245]\.[0-7]\.\d{1,3}(?![\w.]*\w)")


def classify(stage: Stage, code: int, enhanced: str, text: str) -> tuple[Action, Fault | None]:
    """What to do about an answer: the first row of ``TABLE`` that fits.

    Code 0 is a line that was lost before the answer to ``stage``. After the end of data
    only the caller knows that the message is then in doubt.
    """
    if accepts(stage, code):
        return Action.ACCEPT, None
    return next(
        (row.action, row.fault)
        for row in TABLE
        if stage in row.stages
        and re.fullmatch(row.code, str(code))
        and re.fullmatch(row.enhanced, enhanced)
        and re.search(row.text, text, re.IGNORECASE)
    )


def accepts(stage: Stage, code: int) -> bool:
    return code == 354 if stage is Stage.DATA else 200 <= code < 300


def enhanced_status(text: str) -> str:
    """The RFC 3463 status in the text of a reply, ``5.1.1``; empty where there is none."""
    found = _ENHANCED.search(text)
    return found[0] if found else ""


def judge(stage: Stage, reply: Reply) -> Outcome:
    """What an answer makes of the message; SENT is any that is accepted.

    Raises Stopped where the server refuses this site.
    """
    enhanced = enhanced_status(reply.text) if reply.code >= 400 else ""
    action, fault = classify(stage, reply.code, enhanced, reply.text)
    if action is Action.STOP:
        raise Stopped(str(reply))
    return Outcome(_RESULTS[action], str(reply), fault)
