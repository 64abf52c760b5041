"""What servers say when they refuse a message, and what it means."""

import re
import tomllib
from pathlib import Path

import pytest

from subscriptions.delivery.bounces import Verdict, verdict
from subscriptions.delivery.reports import Kind

SENTENCES = tomllib.loads((Path(__file__).parent / "sentences.toml").read_text(encoding="utf-8"))
_ANSWER = re.compile(r"(-|\d{3}) ([245]\.\d+\.\d+\b)? ?(.*)")


def of_answer(line: str) -> Verdict:
    found = _ANSWER.fullmatch(line)
    assert found
    return verdict(found[1].strip("-"), found[2] or "", found[3])


@pytest.mark.parametrize("kind", ["hard", "soft", "ours"])
def test_what_servers_say(kind: str) -> None:
    found = {line: of_answer(line) for line in SENTENCES[kind].strip().splitlines()}
    wrong = {
        line: told
        for line, told in found.items()
        if ("ours" if told.ours else told.kind.value) != kind
    }
    assert len(found) > 50
    assert wrong == {}


def test_no_address_is_lost_by_words_that_may_be_about_us() -> None:
    answers = SENTENCES["never_hard"].strip().splitlines()
    assert [line for line in answers if of_answer(line).kind is Kind.HARD] == []


@pytest.mark.parametrize("status", ["5.1.1", "5.4.4", "5.1.10"])
def test_a_status_without_words_is_believed(status: str) -> None:
    assert verdict("550", status, "").kind is Kind.HARD


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
