"""Logging in to the admin: how often one may be wrong, and what a session is."""

import datetime as dt
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from axes.models import AccessAttempt, AccessLog
from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse

from subscriptions import tasks
from tests.conftest import MONDAY

NAME, PASSWORD = "ada@example.org", "an-analytical-engine"
HERE, ELSEWHERE = "81.2.69.160", "5.9.1.1"


@pytest.fixture(autouse=True)
def frozen() -> Iterator[Any]:
    with time_machine.travel(MONDAY, tick=False) as traveller:
        yield traveller


@pytest.fixture
def ada(db: None, settings: Any) -> User:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # quick
    return User.objects.create_superuser(NAME, NAME, PASSWORD)


def log_in(client: Client, password: str = PASSWORD, name: str = NAME, network: str = HERE) -> Any:
    """As behind a proxy on a private address."""
    return client.post(
        reverse("admin:login"),
        {"username": name, "password": password, "next": "/admin/"},
        headers={"X-Forwarded-For": f"8.8.8.8, {network}"},
    )


def test_five_wrong_passwords_and_one_waits(client: Client, ada: User, frozen: Any) -> None:
    assert [log_in(client, f"wrong {n}").status_code for n in range(5)] == [200] * 4 + [429]
    answer = log_in(client)
    assert answer.status_code == 429 and answer["Retry-After"] == "900"
    assert "no-store" in answer["Cache-Control"]
    assert "In 15 minutes you can try again" in answer.content.decode()
    assert log_in(client, network="81.2.69.7").status_code == 429, "of the same network"
    assert log_in(Client(), network=ELSEWHERE).status_code == 302, "a stranger locks nobody out"

    frozen.shift(dt.timedelta(minutes=10))
    assert log_in(client).status_code == 429
    frozen.shift(dt.timedelta(minutes=6))
    assert log_in(client).status_code == 302, "trying meanwhile does not make it longer"


def test_the_right_password_ends_the_count(client: Client, ada: User) -> None:
    for _ in range(3):
        assert [log_in(client, "wrong").status_code for _ in range(4)] == [200] * 4
        assert log_in(client).status_code == 302
        client.logout()


def test_an_operator_lets_somebody_in_again(
    client: Client, admin_client: Client, ada: User
) -> None:
    for _ in range(5):
        log_in(client, "wrong")
    attempts = {
        "action": "delete_selected",
        "_selected_action": [row.pk for row in AccessAttempt.objects.filter(username=NAME)],
        "post": "yes",
    }
    admin_client.post(reverse("admin:axes_accessattempt_changelist"), attempts)
    assert log_in(client).status_code == 302


def test_nothing_tells_which_names_there_are(client: Client, ada: User) -> None:
    User.objects.create_user("reader", password=PASSWORD)  # not of the staff
    answers = [
        [log_in(Client(), "wrong", name) for _ in range(6)] for name in (NAME, "nobody", "reader")
    ]
    for known, *others in zip(*answers, strict=True):
        for other in others:
            assert other.status_code == known.status_code
            if known.status_code == 429:
                assert other.content == known.content
            else:
                assert other.context["errors"] == known.context["errors"]


def test_the_log_and_the_database_keep_no_secret(
    client: Client, ada: User, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, logger="axes"):
        for _ in range(6):
            log_in(client, "mistyped-secret")
    assert "Locking out" in caplog.text
    for secret in (NAME, "mistyped-secret", PASSWORD, HERE, "81.2.69"):
        assert secret not in caplog.text
    (attempt,) = AccessAttempt.objects.all()
    assert (attempt.username, attempt.ip_address) == (NAME, "81.2.69.0")
    assert "mistyped-secret" not in attempt.post_data and NAME not in attempt.post_data
    assert attempt.failures_since_start == 5


def test_the_tick_forgets_old_logins(client: Client, ada: User, frozen: Any) -> None:
    log_in(client, "wrong", "nobody")
    log_in(client)
    frozen.shift(dt.timedelta(days=29))
    tasks.tick()
    assert AccessAttempt.objects.exists() and AccessLog.objects.exists()
    frozen.shift(dt.timedelta(days=1))
    tasks.tick()
    assert not AccessAttempt.objects.exists() and not AccessLog.objects.exists()


def test_a_session_ends_with_the_browser_and_after_twelve_hours(
    client: Client, ada: User, frozen: Any, settings: Any
) -> None:
    settings.SESSION_COOKIE_SECURE = True  # as where SITE_URL is https
    cookie = log_in(client).cookies[settings.SESSION_COOKIE_NAME]
    assert (cookie["httponly"], cookie["samesite"], cookie["secure"]) == (True, "Lax", True)
    assert cookie["max-age"] == "" and cookie["expires"] == ""
    assert Session.objects.get().expire_date == MONDAY + dt.timedelta(hours=12)
    assert client.get("/admin/", secure=True).status_code == 200
    frozen.shift(dt.timedelta(hours=12, seconds=1))
    assert client.get("/admin/", secure=True).status_code == 302


def test_a_login_gets_a_key_of_its_own_and_logging_out_ends_it(client: Client, ada: User) -> None:
    planted = client.session
    planted["reader_until"] = 0
    planted.save()
    client.cookies[settings.SESSION_COOKIE_NAME] = str(planted.session_key)
    log_in(client)
    key = client.cookies[settings.SESSION_COOKIE_NAME].value
    assert key != planted.session_key
    assert client.get(reverse("admin:logout")).status_code == 405, "a GET changes nothing"
    client.post(reverse("admin:logout"))
    client.cookies[settings.SESSION_COOKIE_NAME] = key
    assert client.get("/admin/").status_code == 302


def test_a_new_password_ends_other_sessions(client: Client, ada: User) -> None:
    other = Client()
    log_in(client)
    log_in(other, network=ELSEWHERE)
    data = {"old_password": PASSWORD, "new_password1": "password", "new_password2": "password"}
    refused = client.post(reverse("admin:password_change"), data)
    assert "too short" in refused.content.decode()
    data |= {"new_password1": "difference-engine-2", "new_password2": "difference-engine-2"}
    assert client.post(reverse("admin:password_change"), data).status_code == 302
    assert client.get("/admin/").status_code == 200
    assert other.get("/admin/").status_code == 302


@pytest.mark.parametrize("page", ["login", "index", "subscriptions_subscriber_changelist"])
def test_no_page_is_kept_or_framed(admin_client: Client, page: str) -> None:
    client = Client() if page == "login" else admin_client
    answer = client.get(reverse(f"admin:{page}"))
    assert answer.status_code == 200
    assert {"no-store", "private"} <= set(answer["Cache-Control"].split(", "))
    assert answer["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]
