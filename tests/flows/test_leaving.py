"""What counts as asking to be left alone, and what a person must read."""

import email
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscriptions.flows.leaving import asks_to_leave, own_words
from tests.returned import answer

ASKS = """
unsubscribe
UNSUBSCRIBE!!!
Please unsubscribe me from this list
Remove me from your mailing list please
please remove me
stop
Stop sending me these emails
Hi, please take me off this list
Hello team, kindly unsubscribe me, thanks
Can you please unsubscribe me?
I want to unsubscribe.
I would like to be removed from this list
opt out
No more emails please
Don't send me any more
Do not email me again
cancel my subscription
cancel these mails
unsubscribe me from this
take me off it
Remove me from everything
remove
unsubscribe from these
Please delete my email address
Abmelden
Ich möchte mich abmelden
Bitte melden Sie mich ab
Newsletter abbestellen
Bitte tragen Sie mich aus dem Verteiler aus
Ich möchte keine E-Mails mehr
Désabonnez-moi
Je souhaite me désinscrire de cette liste
Quiero darme de baja
Cancelar suscripción
Cancelar inscrição
Cancellami dalla lista
Afmelden
退订
取消订阅
配信停止してください
отпишите меня
수신거부
"""
DOES_NOT = """
How do I unsubscribe from topic robotics?
How can I unsubscribe
unsubscribe me from robotics
Stop sending me robotics papers
stop the daily digest and send weekly
Please do not unsubscribe me
I don't want to unsubscribe
remove the topic robotics
There is a duplicate among my interests. Please remove it.
The paper of Tuesday was retracted. Please stop this.
The paper was retracted. Please stop this.
My second interest is wrong. Could you please remove it?
Card 3 shows the wrong paper. Please remove this.
Thanks for the list. Cancel it
Please remove it.
Don't send me these again
stop everything
unsubscribe this
please remove the paper by Lee
what happens if I unsubscribe
Can I stop the daily mails and get weekly ones
Take care
delete
cancel
I cancel our meeting
Wo kann ich mich abmelden
Ich bin bis Montag nicht da
great digest
"""


def lines(text: str) -> list[str]:
    return text.strip().splitlines()


@pytest.mark.parametrize("text", lines(ASKS))
def test_these_ask_for_it_as_text_and_as_subject(text: str) -> None:
    assert asks_to_leave(email.message_from_bytes(answer("x@example.org", text)))
    assert asks_to_leave(email.message_from_bytes(answer("x@example.org", "", text)))
    reply = answer("x@example.org", "Sent from my phone", f"Re: AW: {text}")
    assert asks_to_leave(email.message_from_bytes(reply))


@pytest.mark.parametrize("text", lines(DOES_NOT))
def test_these_do_not(text: str) -> None:
    assert not asks_to_leave(email.message_from_bytes(answer("x@example.org", text, text)))


def test_only_the_first_lines_count() -> None:
    text = "\n".join([*(f"This is line {n}" for n in range(9)), "unsubscribe"])
    assert not asks_to_leave(email.message_from_bytes(answer("x@example.org", text)))


@given(st.text(max_size=200), st.text(max_size=2000))
def test_any_text_can_be_asked_about(subject: str, text: str) -> None:
    plain = " ".join(re.sub(r"[\0\ud800-\udfff]", " ", subject).split())
    message = answer("x@example.org", text.encode("utf-8", "replace").decode(), plain)
    mail = email.message_from_bytes(message)
    assert asks_to_leave(mail) in (True, False)
    assert len(own_words(mail)) <= len(message)
