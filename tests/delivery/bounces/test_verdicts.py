"""What servers say when they refuse a message, in our own words, and what it means."""

import pytest

from subscriptions.delivery.bounces import verdict
from subscriptions.delivery.reports import Kind

HARD = [
    ("550", "5.1.1", "No such user here"),
    ("550", "", "Recipient address rejected: User unknown in local recipient table"),
    ("553", "", "sorry, this recipient is not in my validrcptto list"),
    ("550", "5.5.0", "Requested action not taken: mailbox unavailable"),
    ("550", "5.4.1", "Recipient address rejected: Access denied."),
    ("550", "5.1.10", "RESOLVER.ADR.RecipientNotFound"),
    ("550", "5.1.1", "Mailbox does not exist; see https://mail.example/blocked"),
    ("550", "5.1.2", "Host unknown (Name server: no.example: host not found)"),
    ("550", "", "Unrouteable address"),
    ("550", "", "All relevant MX records point to non-existent hosts"),
    ("556", "5.1.10", "Recipient address has a null MX"),
    ("556", "", "no"),
    ("550", "5.1.6", "Recipient no longer on server"),
    ("550", "5.1.1", ""),
    ("550", "5.4.4", ""),
    ("550", "", "Empfänger unbekannt"),
    ("550", "", "L’adresse n’existe pas"),
    ("550", "", "El buzón no existe"),
    ("550", "", "宛先のメールアドレスが見つかりません"),
    ("550", "", "用户不存在"),
    ("550", "", "Пользователь не найден"),
]
SOFT = [
    ("550", "5.1.1", "Mailbox is full"),
    ("550", "5.0.0", "user is over quota"),
    ("552", "5.2.2", ""),
    ("550", "", "La boîte du destinataire est pleine"),
    ("550", "", "Das Postfach ist voll"),
    ("550", "", "メールボックスの容量を超えています"),
    ("550", "5.2.1", "The account is disabled"),
    ("550", "", "This mailbox was suspended"),
    ("450", "4.2.0", "Greylisted"),
    ("450", "4.1.1", "User unknown"),
    ("550", "4.1.1", "User unknown"),
    ("554", "4.4.7", "Message expired after 3 days"),
    ("554", "5.4.7", "Delivery time expired"),
    ("", "", "Connection timed out"),
    ("", "", "Host not found, try again"),
    ("554", "5.4.6", "Too many hops"),
    ("550", "", "mailbox unavailable"),
    ("550", "", ""),
    ("", "", ""),
]
OURS = [
    ("550", "5.1.1", "User unknown; your mail looks like spam"),
    ("554", "5.7.1", "Service unavailable; client host blocked using rbl.example"),
    ("550", "", "Your IP address has a poor reputation"),
    ("550", "5.7.25", "The sending IP has no PTR record"),
    ("550", "5.7.26", "This mail fails SPF and DKIM"),
    ("550", "5.7.1", "Unauthenticated mail is refused by the DMARC policy of the domain"),
    ("530", "5.7.0", "Must issue a STARTTLS command first"),
    ("554", "5.7.1", "Relay access denied"),
    ("550", "", "this domain isn't in my list of allowed rcpthosts"),
    ("552", "5.3.4", "Message too large"),
    ("552", "", "message size exceeds fixed maximum"),
    ("553", "5.1.8", "Domain of sender address does not exist"),
    ("550", "", "Sender verify failed: no such user"),
    ("550", "5.6.0", "invalid address in a header"),
    ("550", "5.7.1", "Rejected by the policy of this organisation"),
    ("550", "5.7.1", ""),
    ("550", "", "Virus found"),
    ("452", "4.5.3", "Too many recipients"),
    ("550", "", "Diese Nachricht wurde als Spam abgelehnt"),
    ("550", "", "Unknown user (in reply to MAIL FROM command)"),
]


@pytest.mark.parametrize(("code", "status", "text"), HARD)
def test_hard(code: str, status: str, text: str) -> None:
    found = verdict(code, status, text)
    assert (found.kind, found.ours) == (Kind.HARD, False), found


@pytest.mark.parametrize(("code", "status", "text"), SOFT)
def test_soft(code: str, status: str, text: str) -> None:
    found = verdict(code, status, text)
    assert (found.kind, found.ours) == (Kind.SOFT, False), found


@pytest.mark.parametrize(("code", "status", "text"), OURS)
def test_ours(code: str, status: str, text: str) -> None:
    found = verdict(code, status, text)
    assert (found.kind, found.ours) == (Kind.SOFT, True), found


@pytest.mark.parametrize(("code", "status"), [("250", ""), ("", "2.1.5"), ("250", "2.0.0")])
def test_success(code: str, status: str) -> None:
    assert verdict(code, status, "user unknown").kind is Kind.DELIVERED


def test_a_status_in_the_text_counts() -> None:
    assert verdict("550", "", "5.1.1 cannot").kind is Kind.HARD
    assert verdict("550", "", "5.7.1 cannot").ours


def test_a_user_who_is_unknown_once_the_message_was_read_may_only_have_filtered_it() -> None:
    text = "User unknown (in reply to end of DATA command)"
    assert verdict("550", "", text).kind is Kind.SOFT
    assert verdict("550", "5.1.1", text).kind is Kind.HARD


def test_an_address_in_the_text_is_no_word_of_the_server() -> None:
    assert verdict("550", "5.1.1", "<spam-full@quota.example>: cannot").kind is Kind.HARD
