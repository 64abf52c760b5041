"""Amazon's notifications of bounces, complaints and deliveries, where they come as mail."""

import json
from typing import Any

from ..reports import Kind, Report
from .letter import Letter
from .statuses import MOST_RECIPIENTS, Record, read_diagnosis

MOST = 200_000


def notified(letter: Letter) -> tuple[list[Record], list[Report]]:
    """Its bounced recipients, to be judged, and reports of its other ones; both may be empty."""
    for text in letter.texts[:1]:
        event = _event(text.strip()[:MOST])
        kind = event.get("notificationType") or event.get("eventType")
        if kind == "Bounce":
            return [_record(each) for each in _people(event, "bounce", "bouncedRecipients")], []
        if kind == "Complaint":
            people = _people(event, "complaint", "complainedRecipients")
            return [], [Report(_address(one), Kind.COMPLAINT, reason="complaint") for one in people]
        if kind == "Delivery":
            people = _people(event, "delivery", "recipients")
            return [], [Report(_address(one), Kind.DELIVERED, reason="delivered") for one in people]
    return [], []


def _event(text: str) -> dict[str, Any]:
    if not text.startswith("{") or "Type" not in text:
        return {}
    try:
        found, _ = json.JSONDecoder(strict=False).raw_decode(text)
        inner = found.get("Message") if isinstance(found, dict) else None
        if isinstance(inner, str) and inner.startswith("{"):
            found = json.loads(inner, strict=False)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _people(event: dict[str, Any], name: str, inner: str) -> list[Any]:
    told = event.get(name)
    people = told.get(inner) if isinstance(told, dict) else None
    return people[:MOST_RECIPIENTS] if isinstance(people, list) else []


def _address(one: Any) -> str:
    return str(one.get("emailAddress", "") if isinstance(one, dict) else one)[:320]


def _record(one: Any) -> Record:
    told = one if isinstance(one, dict) else {}
    return read_diagnosis(
        [_address(one)], str(told.get("action", "failed")), str(told.get("status", "")),
        str(told.get("diagnosticCode", ""))[:2000],
    )  # fmt: skip
