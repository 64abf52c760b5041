"""All that is stored of one reader, as one document that a program can read."""

import datetime as dt
from typing import Any

from django.db.models import Model

from subscriptions.models import (
    Delivery,
    Paper,
    SignInRequest,
    SignupRequest,
    Subscriber,
    Suppression,
)


def export(reader: Subscriber, now: dt.datetime) -> dict[str, Any]:
    """The document; a fixed number of queries. Keys are the names of the database."""
    interests = list(reader.interests.select_related("topic", "paper").order_by("pk"))
    names = {interest.pk: str(interest) for interest in interests}
    return {
        "exported_at": now,
        "subscriber": _fields(reader),
        "interests": [
            {"kind": one.kind, "name": names[one.pk], "weight": one.weight} for one in interests
        ],
        "feedback": [
            {
                **_paper(row.paper),
                "verdict": row.verdict,
                "interest": names.get(row.interest_id or 0),
                "given_at": row.given_at,
            }
            for row in reader.feedback.select_related("paper").order_by("given_at")
        ],
        "deliveries": _deliveries(reader, names),
        "mail_events": [
            _fields(row, "delivery", "key")
            | {"digest": row.delivery.newest_day if row.delivery else None}
            for row in reader.mail_events.select_related("delivery").order_by("pk")
        ],
        "upvotes": [
            {**_paper(row.paper), "given_at": row.given_at}
            for row in reader.upvotes.select_related("paper").order_by("given_at")
        ],
        "submissions": [
            _fields(row, "paper") | {"title": row.paper.title if row.paper else None}
            for row in reader.submissions.select_related("paper").order_by("submitted_at")
        ],
        "address_changes": [_fields(row) for row in reader.address_changes.order_by("pk")],
        "sign_ins": [_fields(row) for row in reader.sign_ins.order_by("pk")],
        "sign_in_requests": [
            _fields(row) for row in SignInRequest.objects.filter(email__iexact=reader.email)
        ],
        "signup_requests": [
            _fields(row) for row in SignupRequest.objects.filter(email__iexact=reader.email)
        ],
        "suppression": [
            _fields(row)
            for row in Suppression.objects.filter(email_hash=Suppression.hash(reader.email))
        ],
    }


def _deliveries(reader: Subscriber, names: dict[int, str]) -> list[dict[str, Any]]:
    rows: list[Delivery] = list(reader.deliveries.order_by("newest_day"))
    papers = Paper.objects.only("title", "arxiv_id", "doi").in_bulk(
        {item["paper"] for row in rows for item in row.items}
    )
    return [
        _fields(row, "items", "claim_token", "claim_expires_at")
        | {
            "papers": [
                {
                    **(_paper(papers[item["paper"]]) if item["paper"] in papers else {}),
                    "section": item["section"],
                    "reason": item["reason"],
                    "interest": names.get(item.get("interest", 0)),
                }
                for item in row.items
            ]
        }
        for row in rows
    ]


def _paper(paper: Paper) -> dict[str, Any]:
    return {"title": paper.title, "arxiv_id": paper.arxiv_id, "doi": paper.doi}


def _fields(row: Model, *but: str) -> dict[str, Any]:
    """The columns of a row, without its key, its reader and those named."""
    return {
        field.name: getattr(row, field.attname)
        for field in row._meta.concrete_fields
        if field.name not in ("id", "subscriber", *but)
    }
