"""The table of answers, row by row, with what servers really say."""

import pytest

from subscriptions.delivery.answers import (
    TABLE,
    Action,
    Row,
    Stage,
    accepts,
    classify,
    enhanced_status,
    judge,
)
from subscriptions.delivery.outcomes import Fault, Outcome, Result, Stopped
from subscriptions.delivery.replies import Reply

ACCEPT, SOON, LATER, GIVE_UP, STOP = Action
ADDRESS, OURS, TEMPORARY = Fault.ADDRESS, Fault.OURS, Fault.TEMPORARY
CONNECT, EHLO, STARTTLS, AUTH, MAIL, RCPT, DATA, END = Stage

ANSWERS = [
    # The line ends
    (CONNECT, "421 4.3.2 Service not available", SOON, TEMPORARY),
    (AUTH, "421 4.7.0 Too many login attempts", SOON, TEMPORARY),
    (MAIL, "421 4.4.2 idle too long", SOON, TEMPORARY),
    (END, "421-4.7.28 Gmail has detected an unusual rate of mail", SOON, TEMPORARY),
    # Temporary
    (STARTTLS, "454 4.7.0 TLS not available due to local problem", SOON, TEMPORARY),
    (AUTH, "454 4.7.0 Temporary authentication failure", SOON, TEMPORARY),
    (AUTH, "451 Authentication failed: Maximum credits exceeded", LATER, TEMPORARY),
    (CONNECT, "450 4.7.1 try again", LATER, TEMPORARY),
    (EHLO, "452 4.3.1 full", LATER, TEMPORARY),
    (MAIL, "454 Throttling failure: Maximum sending rate exceeded.", LATER, TEMPORARY),
    (MAIL, "450 4.1.8 Sender address rejected: Domain not found", LATER, TEMPORARY),
    (RCPT, "450 4.2.0 Greylisted, see http://postgrey.schweikert.ch/", LATER, TEMPORARY),
    (RCPT, "451 4.7.1 Greylisting in action", LATER, TEMPORARY),
    (RCPT, "452 4.2.2 mailbox full for now", LATER, TEMPORARY),
    (DATA, "452 4.3.1 Insufficient system storage", LATER, TEMPORARY),
    (END, "454 Throttling failure: Daily message quota exceeded.", LATER, TEMPORARY),
    # The way in
    (CONNECT, "554 5.7.1 blocked by a list, no SMTP service here", STOP, OURS),
    (EHLO, "550 5.7.1 your name is not welcome", STOP, OURS),
    (STARTTLS, "501 5.5.4 no parameters", STOP, OURS),
    (AUTH, "535 5.7.8 Username and Password not accepted", STOP, OURS),
    (AUTH, "534 5.7.9 Application-specific password required", STOP, OURS),
    (AUTH, "530 5.7.0 Must issue a STARTTLS command first", STOP, OURS),
    # This message only
    (MAIL, "552 5.3.4 Message size exceeds fixed limit", GIVE_UP, OURS),
    (MAIL, "552 message too large", GIVE_UP, OURS),
    (RCPT, "550 5.2.3 larger than this mailbox takes", GIVE_UP, OURS),
    (END, "552 5.3.4 message too big", GIVE_UP, OURS),
    (RCPT, "553 5.6.7 non-ASCII addresses not permitted", GIVE_UP, OURS),
    # The sender
    (MAIL, "553 5.1.8 Domain of sender address does not exist", STOP, OURS),
    (MAIL, "550 5.7.1 not ours to send as", STOP, OURS),
    (MAIL, "530 5.7.0 Authentication Required", STOP, OURS),
    (MAIL, "501 5.1.7 Bad sender address syntax", STOP, OURS),
    (MAIL, "555 5.5.4 unknown parameter", STOP, OURS),
    (RCPT, "550 5.1.8 Sender address rejected: Domain not found", STOP, OURS),
    (END, "554 5.2.252 SendAsDenied", STOP, OURS),
    (END, "550 5.7.60 Client does not have permissions to send as this sender", STOP, OURS),
    (RCPT, "553 5.7.1 Sender address rejected: not owned by user us", STOP, OURS),
    (RCPT, "554 5.7.1 Service unavailable; Client host blocked using zen", STOP, OURS),
    (RCPT, "504 5.5.2 Helo command rejected: need fully-qualified hostname", STOP, OURS),
    (RCPT, "550-Verification failed\nSender verify failed", STOP, OURS),
    # Relaying and the account
    (RCPT, "530 5.7.0 Must issue a STARTTLS command first", STOP, OURS),
    (RCPT, "530 5.7.57 Client was not authenticated to send mail", STOP, OURS),
    (RCPT, "554 5.7.1 Relay access denied", STOP, OURS),
    (RCPT, "550 relay not permitted", STOP, OURS),
    (RCPT, "550 5.7.1 Unable to relay", STOP, OURS),
    (RCPT, "550 5.7.64 TenantAttribution; Relay Access Denied", STOP, OURS),
    (RCPT, "550 5.7.1 Relaying denied. Proper authentication required.", STOP, OURS),
    (RCPT, "503 5.5.4 Authentication required", STOP, OURS),
    (RCPT, "553 that domain isn't in my list of allowed rcpthosts (#5.7.1)", STOP, OURS),
    (END, "554 Message rejected: Email address is not verified.", STOP, OURS),
    (END, "550 The from address does not match a verified Sender Identity", STOP, OURS),
    (RCPT, "550 5.4.5 Daily user sending limit exceeded", STOP, OURS),
    # Reputation is nobody's address
    (RCPT, "550 5.7.606 Access denied, banned sending IP", GIVE_UP, OURS),
    (RCPT, "550 5.1.0 sender rejected AUP#In-1310", GIVE_UP, OURS),
    (RCPT, "550 Blocked for spam", GIVE_UP, OURS),
    (END, "550 5.7.26 Unauthenticated email is not accepted", GIVE_UP, OURS),
    (END, "554 5.7.1 looks like spam", GIVE_UP, OURS),
    # The recipient
    (RCPT, "550 5.1.1 no such user", GIVE_UP, ADDRESS),
    (RCPT, "550-5.1.1 The email account does not exist\n5.1.1 Learn more", GIVE_UP, ADDRESS),
    (RCPT, "550 5.1.1 undeliverable: host said: 554 Relay access denied", GIVE_UP, ADDRESS),
    (RCPT, "553 5.1.3 not a valid address", GIVE_UP, ADDRESS),
    (RCPT, "550 5.2.1 mailbox disabled", GIVE_UP, ADDRESS),
    (RCPT, "552 5.2.2 mailbox full", GIVE_UP, ADDRESS),
    (RCPT, "552 exceeded storage allocation", GIVE_UP, ADDRESS),
    (RCPT, "550 5.4.1 Recipient address rejected: Access denied", GIVE_UP, ADDRESS),
    (RCPT, "550 no such user here", GIVE_UP, ADDRESS),
    (RCPT, "551 user not local", GIVE_UP, ADDRESS),
    (RCPT, "501 bad address syntax", GIVE_UP, ADDRESS),
    (END, "550 5.1.1 no such user", GIVE_UP, ADDRESS),
    (END, "552 5.2.2 mailbox full", GIVE_UP, ADDRESS),
    # Out of step
    (RCPT, "503 5.5.1 MAIL first", GIVE_UP, OURS),
    (RCPT, "502 command not implemented", GIVE_UP, OURS),
    (RCPT, "555 5.5.4 unknown parameter", GIVE_UP, OURS),
    (DATA, "554 5.5.1 no valid recipients", GIVE_UP, OURS),
    (END, "550 no", GIVE_UP, OURS),
    (MAIL, "354 go on", SOON, TEMPORARY),
    (DATA, "250 ok", SOON, TEMPORARY),
    (END, "999 what", SOON, TEMPORARY),
    (RCPT, "-1 hello", SOON, TEMPORARY),
    (DATA, "0 ", SOON, TEMPORARY),
]


@pytest.mark.parametrize(("stage", "reply", "action", "fault"), ANSWERS)
def test_what_servers_say(stage: Stage, reply: str, action: Action, fault: Fault) -> None:
    code, text = reply.replace("-", " ", reply[:1] != "-").split(" ", 1)
    assert classify(stage, int(code), enhanced_status(text), text) == (action, fault)


@pytest.mark.parametrize("row", TABLE[:-1], ids=str)
def test_every_row_is_of_use(row: Row, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it some of the answers above would mean something else."""
    rest = tuple(other for other in TABLE if other is not row)
    monkeypatch.setattr("subscriptions.delivery.answers.TABLE", rest)
    with pytest.raises(AssertionError):
        for answer in ANSWERS:
            test_what_servers_say(*answer)


@pytest.mark.parametrize("stage", Stage)
def test_every_code_means_something(stage: Stage) -> None:
    for code in range(-1, 1000):
        action, fault = classify(stage, code, "", "")
        assert (action is ACCEPT) == accepts(stage, code) == (fault is None)
        assert 400 <= code < 500 or action is not LATER
        assert 500 <= code < 600 or action not in (GIVE_UP, STOP)


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("5.1.1 no such user", "5.1.1"),
        ("sorry (#5.7.1)", "5.7.1"),
        ("<ada@example.org>: 4.2.0 greylisted", "4.2.0"),
        ("Exim 4.96.2 rejects you", ""),
        ("host 5.1.1.7 said no", ""),
        ("v5.1.1", ""),
        ("no", ""),
        ("5.7.606 Access denied", "5.7.606"),
    ],
)
def test_the_enhanced_status_in_a_reply(text: str, status: str) -> None:
    assert enhanced_status(text) == status


def test_a_verdict_on_a_message() -> None:
    accepted = judge(END, Reply(250, "2.0.0 queued as 4F1"))
    assert accepted == Outcome(Result.SENT, "250 2.0.0 queued as 4F1")
    refused = judge(RCPT, Reply(550, "5.1.1 <ada@example.org>: unknown"))
    assert refused == Outcome(Result.REFUSED, "550 5.1.1 <a…@e….org>: unknown", ADDRESS)
    with pytest.raises(Stopped, match=r"535 5\.7\.8 no"):
        judge(AUTH, Reply(535, "5.7.8 no"))
