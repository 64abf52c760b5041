"""Delivery status notifications (RFC 3464), also where they stand in plain text."""

import re
from dataclasses import dataclass

from ..answers import enhanced_status

MOST_RECIPIENTS, LONGEST_FIELD = 50, 2000
_QUOTED = re.compile(r"^(> ?)+", re.MULTILINE)
_FIELD = re.compile(r"([A-Za-z][A-Za-z0-9-]{0,60})[ \t]*:[ \t]*(.*)")
_ADDRESS = re.compile(
    r"[^\s<>;,()\[\]\"]{1,320}@[^\s<>;,()\[\]\"]{1,255}|\"[^\"\n]{1,64}\"@[^\s<>;,()]{1,255}"
)
_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
_TYPE = re.compile(r"^\s*[\w-]{1,40}\s*;\s*")
_CODE = re.compile(r"(?<![\d.])([245]\d\d)(?![\d.]|\.\d)")
NAMES = ("original-recipient", "final-recipient", "x-actual-recipient")


@dataclass
class Record:
    """What one notification says of one recipient; each may be empty."""

    address: str
    aliases: tuple[str, ...]
    """All the addresses it is named by."""
    action: str
    """failed, delayed, delivered, relayed or expanded."""
    status: str
    code: str
    text: str


def records(text: str) -> list[Record]:
    """The recipients in the fields of a report, in order."""
    blocks: list[dict[str, str]] = []
    current: dict[str, str] | None = None
    last = ""
    for line in _QUOTED.sub("", text).split("\n"):
        if not line.strip():
            last = ""
            current = None
        elif line[0] in " \t" and last and current is not None:
            if len(current[last]) < LONGEST_FIELD:
                current[last] += " " + line.strip()[:LONGEST_FIELD]
        elif found := _FIELD.match(line):
            name, value = found[1].lower(), found[2].strip()[:LONGEST_FIELD]
            if current is None or (name in current and name in NAMES):
                current = {}
                blocks.append(current)
            current.setdefault(name, value)
            last = name
        else:
            last = ""
    return _merged(blocks)[:MOST_RECIPIENTS]


def reply_code(text: str) -> str:
    """The SMTP reply code at the beginning of what a server said; empty where there is none."""
    found = _CODE.search(text[:80])
    return found[1] if found else ""


def _merged(blocks: list[dict[str, str]]) -> list[Record]:
    """Blocks that name nobody belong to the recipient before them, or to the next."""
    people: list[dict[str, str]] = []
    loose: dict[str, str] = {}
    for block in blocks:
        if any(name in block for name in NAMES):
            people.append({**loose, **block})
            loose = {}
        elif not {"action", "status", "diagnostic-code"} & block.keys():
            continue
        elif people:
            for name, value in block.items():
                people[-1].setdefault(name, value)
        else:
            loose = block
    return [record for each in people if (record := _record(each))]


def _record(fields: dict[str, str]) -> Record | None:
    if not {"action", "status", "diagnostic-code"} & fields.keys():
        return None
    named = [address for name in NAMES if (address := address_in(fields.get(name, "")))]
    return read_diagnosis(
        named, fields.get("action", ""), fields.get("status", ""), fields.get("diagnostic-code", "")
    )


def read_diagnosis(named: list[str], action: str, told: str, diagnosis: str) -> Record:
    """A record of what its fields say. The server's own status counts where the other is vague."""
    diagnosis = _TYPE.sub("", diagnosis)
    status = found[0] if (found := _STATUS.search(told)) else ""
    said = enhanced_status(diagnosis)
    if said and (not status or (status.endswith(".0.0") and status[0] == said[0])):
        status = said
    return Record(
        address=named[0] if named else "",
        aliases=tuple(dict.fromkeys(each.lower() for each in named)),
        action=(action.split() or [""])[0].strip(";()").lower(),
        status=status,
        code=reply_code(diagnosis),
        text=" ".join(filter(None, (diagnosis, _comment(told)))),
    )


def _comment(status: str) -> str:
    return status.partition("(")[2].rpartition(")")[0]


def address_in(value: str) -> str:
    """The address in a recipient's field: ``rfc822; <a@example.org> (comment)``."""
    value = _TYPE.sub("", value[:1000])
    found = _ADDRESS.search(value)
    return found[0].strip("'.") if found else ""
