import base64
import datetime as dt
import json
from typing import Any

import altcha
import pytest
import time_machine
from django.core.cache import caches
from django.test import Client

from subscriptions.models import SignupRequest
from subscriptions.web import guards
from tests.services import running_redis
from tests.web.conftest import GOOD

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2025, 10, 12, 9, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def _asked_for(settings: Any) -> None:
    settings.PROOF_OF_WORK = True


def solved(client: Client) -> str:
    """What ``proof.js`` puts into the form."""
    task = client.get("/proof/").json()
    solution = altcha.solve_challenge(task["challenge"], task["salt"], max_number=50_000)
    assert solution
    parts = {name: task[name] for name in ("algorithm", "challenge", "salt", "signature")}
    payload = json.dumps(parts | {"number": solution.number})
    return base64.b64encode(payload.encode()).decode()


def test_without_work_nobody_signs_up(client: Client) -> None:
    page = client.get("/")
    assert 'data-proof="/proof/"' in page.text and "paper-round/proof" in page.text
    for proof in ("", "x", base64.b64encode(b"{}").decode()):
        answer = client.post("/", {**GOOD, "proof": proof})
        assert answer.status_code == 422
        assert "has not shown that it is no robot" in answer.text
        assert not SignupRequest.objects.exists()


def test_work_counts_once(client: Client) -> None:
    proof = solved(client)
    assert client.post("/", {**GOOD, "proof": proof}).status_code == 302
    again = client.post("/", {**GOOD, "email": "bo@example.org", "proof": proof})
    assert again.status_code == 422 and proof not in again.text
    assert SignupRequest.objects.count() == 1


def test_it_counts_once_whatever_a_cache_forgets(client: Client) -> None:
    proof = solved(client)
    assert client.post("/", {**GOOD, "proof": proof}).status_code == 302
    for cache in caches.all():
        cache.clear()
    assert client.post("/", {**GOOD, "proof": proof}).status_code == 422


def test_with_redis_it_counts_once_for_all_processes(client: Client, settings: Any) -> None:
    with running_redis() as settings.REDIS_URL:
        proof = solved(client)
        assert client.post("/", {**GOOD, "proof": proof}).status_code == 302
        guards.forget()  # as a process that never saw it
        assert client.post("/", {**GOOD, "proof": proof}).status_code == 422


@pytest.mark.parametrize("name", ["expires", "%65xpires"])
def test_nobody_makes_old_work_last(client: Client, name: str) -> None:
    with time_machine.travel(NOW, tick=False) as traveller:
        proof = solved(client)
        task = json.loads(base64.b64decode(proof))
        longer = task["salt"].replace("?", f"?{name}=9999999999&")
        changed = base64.b64encode(json.dumps(task | {"salt": longer}).encode()).decode()
        assert client.post("/", {**GOOD, "proof": changed}).status_code == 422
        assert client.post("/", {**GOOD, "proof": proof}).status_code == 302
        traveller.shift(dt.timedelta(hours=2))
        for old in (proof, changed):
            assert client.post("/", {**GOOD, "proof": old}).status_code == 422


def test_work_for_another_site_does_not_count(client: Client, settings: Any) -> None:
    settings.ALTCHA_HMAC_KEY = "another"
    proof = solved(client)
    settings.ALTCHA_HMAC_KEY = "ours"
    assert client.post("/", {**GOOD, "proof": proof}).status_code == 422


def test_a_preview_needs_no_work(client: Client) -> None:
    assert client.post("/preview/", GOOD).status_code == 200
    assert client.post("/", {**GOOD, "preview": "1"}).status_code == 200


def test_where_it_is_off_nothing_is_asked(client: Client, settings: Any) -> None:
    settings.PROOF_OF_WORK = False
    assert "data-proof" not in client.get("/").text
