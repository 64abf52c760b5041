"""Signed return addresses: each says what it is for, and nobody else can make one."""

from typing import Any

import pytest
from django.core.signing import BadSignature
from hypothesis import given
from hypothesis import strategies as st

from subscriptions import verp
from subscriptions.verp import Kind


@pytest.fixture(autouse=True)
def bounce_address(settings: Any) -> None:
    settings.BOUNCE_ADDRESS = "Bounces@mail.example.org"


KINDS, NUMBERS = st.sampled_from(Kind), st.integers(0, 10**18 - 1)


@given(KINDS, NUMBERS, st.booleans())
def test_an_address_says_what_it_is_for_in_any_case(kind: Kind, pk: int, upper: bool) -> None:
    made = verp.address(kind, pk)
    assert verp.read(made.upper() if upper else made) == (kind, pk)
    assert len(made.rpartition("@")[0]) <= 64  # RFC 5321 4.5.3.1.1


@given(KINDS, NUMBERS, st.data())
def test_any_change_voids_it(kind: Kind, pk: int, data: st.DataObject) -> None:
    made = verp.address(kind, pk).lower()
    place = data.draw(st.integers(0, len(made) - 1))
    letter = data.draw(st.sampled_from("abmru0257-+@."))
    changed = made[:place] + letter + made[place + 1 :]
    if changed != made:
        with pytest.raises(BadSignature):
            verp.read(changed)


@given(st.text())
def test_what_others_write_is_none_of_ours(text: str) -> None:
    with pytest.raises(BadSignature):
        verp.read(text)


def test_a_signature_is_of_one_kind(settings: Any) -> None:
    made = verp.address(Kind.DIGEST, 7)
    with pytest.raises(BadSignature):
        verp.read(made.replace("+b7", "+u7"))
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another key", [settings.SECRET_KEY]
    assert verp.read(made) == (Kind.DIGEST, 7)
    settings.SECRET_KEY_FALLBACKS = []
    with pytest.raises(BadSignature):
        verp.read(made)


def test_without_an_address_nothing_is_ours(settings: Any) -> None:
    made = verp.address(Kind.DIGEST, 7)
    settings.BOUNCE_ADDRESS = ""
    with pytest.raises(BadSignature):
        verp.read(made)
