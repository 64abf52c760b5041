"""The labelled bounces of ``bounces/`` in the real inputs, and the kind that each label means."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# sisimai: where ``hardbounce`` is true, hard; else by reason, and what is not here is soft.
OF_REASON = {"delivered": "delivered", "vacation": "autoreply"}
OF_FEEDBACK = {"abuse": "complaint", "opt-out": "complaint", "auth-failure": "soft"}
"""A report of failed authentication is about our DNS: ours, and so soft."""

# flufl: where ``temporary`` is true, soft; else hard, but for these, by what their text says.
_FULL, _DISABLED, _OURS = "mailbox full", "account disabled", "refused for what was sent or by whom"
_DISPUTED = "words that sisimai's labels do not call hard: what Yahoo says after the message"
_PASSING, _NOTHING = "network, time or a broken program", "no reason is told"
SAYS_OTHERWISE = {
    _FULL: (
        "dsn_01 dsn_04 hotpop_01 newmailru_01 postfix_04 qmail_02 qmail_06 qmail_07 simple_01"
        " simple_07 simple_09 simple_14 simple_38 simple_45 yahoo_02 yahoo_04"
    ),
    _DISABLED: "yahoo_03 yahoo_05 yahoo_06 yahoo_07 yahoo_08 yahoo_09",
    _PASSING: (
        "bounce_03 dsn_02 netscape_01 postfix_02 postfix_03 sendmail_01 simple_18 simple_44"
        " smtp32_01 smtp32_02 yahoo_01"
    ),
    _DISPUTED: "simple_05 simple_06 yahoo_10",
    _OURS: "aol_01 dsn_03 dsn_09 microsoft_03 postfix_05",
    _NOTHING: (
        "caiwireless_01 qmail_01 simple_02 simple_10 simple_16 simple_17 simple_20 simple_24"
        " simple_31 simple_32 sina_01 smtp32_03 smtp32_05 yahoo_12"
    ),
}
_SOFT = {f"data/{name}.txt" for names in SAYS_OTHERWISE.values() for name in names.split()}


@dataclass
class Labelled:
    name: str
    content: bytes
    kinds: Counter[str]
    """How many recipients of each kind."""
    addresses: set[str]
    """In lower case; empty where the set tells none."""


def sisimai(folder: Path) -> Iterator[Labelled]:
    for entry in json.loads((folder / "sisimai" / "labels.json").read_text()):
        kinds = Counter(_of_sisimai(each) for each in entry["recipients"])
        content = (folder / "sisimai" / entry["file"]).read_bytes()
        yield Labelled(entry["file"], content, kinds, set())


def _of_sisimai(label: dict[str, str]) -> str:
    if label["hardbounce"]:
        return "hard"
    if label["reason"] == "feedback":
        return OF_FEEDBACK[label["feedbacktype"]]
    return OF_REASON.get(label["reason"], "soft")


def flufl(folder: Path) -> Iterator[Labelled]:
    """Those whose labels name an address."""
    for entry in json.loads((folder / "flufl" / "labels.json").read_text()):
        addresses = {each.lower() for each in entry["addresses"]}
        kind = "soft" if entry["temporary"] or entry["file"] in _SOFT else "hard"
        content = (folder / "flufl" / entry["file"]).read_bytes()
        if addresses:
            yield Labelled(entry["file"], content, Counter({kind: len(addresses)}), addresses)
