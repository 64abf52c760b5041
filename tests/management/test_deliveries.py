"""The operator's command: what is going out, and what to do about it."""

import datetime as dt
import gzip
import io
import sys
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from subscriptions.models import Delivery, SendingPause

DAY = dt.date(2025, 10, 12)
NOW = dt.datetime(2025, 10, 13, 9, tzinfo=dt.UTC)
Make = Callable[..., Any]
Deliver = Callable[..., Delivery]


@pytest.fixture
def deliver(make_reader: Make) -> Deliver:
    """A delivery of a reader of its own, tried at nine."""
    numbers = count()

    def make(status: str, day: dt.date = DAY, **fields: object) -> Delivery:
        if status == "sent":
            fields.setdefault("sent_at", NOW)
        return Delivery.objects.create(
            subscriber=make_reader(f"r{next(numbers)}@example.org"), last_attempt_at=NOW,
            first_day=day, newest_day=day, status=status, created_at=NOW, **fields,
        )  # fmt: skip

    return make


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("deliveries", *arguments, stdout=out)
    return out.getvalue()


def test_nothing_yet(db: None) -> None:
    assert run() == "none yet\n"


def test_the_progress_the_newest_and_the_counts(deliver: Deliver) -> None:
    for status in ("sent", "failed", "in_doubt"):
        deliver(status, last_reply="550 <ada@example.org> unknown")
    deliver("queued")
    deliver("deferred", DAY - dt.timedelta(days=1), retry_at=NOW, last_reply="451 later")
    out = run("--last", "50")
    lines = out.splitlines()
    assert lines[0] == f"Edition of 2025-10-12  {'█' * 30}{'░' * 10}  75 %"
    assert lines[1] == "  1 sent, 1 failed, 1 in doubt, 1 queued"
    assert lines[2] == "Of older editions: 1 deferred"
    assert len(lines) == 3 + 5 + 1
    assert lines[-2].endswith("2025-10-11 to 2025-10-11   0 papers  Deferred 451 later")
    counts = "2025-10-12: 1 sent, 1 failed, 1 in doubt, 1 queued; older: 1 deferred"
    assert lines[-1] == counts
    assert "example.org" not in out, "addresses are masked"
    assert len(run("--last=2").splitlines()) == 3 + 2 + 1


def test_what_goes_out_now_has_a_rate_and_an_end(deliver: Deliver) -> None:
    for _ in range(2):
        deliver("sent", sent_at=dt.datetime.now(dt.UTC))
    deliver("queued")
    assert run().splitlines()[2] == "  2 a minute, about 30 s left"


def test_pause_and_resume(deliver: Deliver) -> None:
    deliver("queued")
    assert run("pause", "--reason", "the provider called") == (
        "Sending is paused. To go on: python manage.py deliveries resume\n"
    )
    lines = run().splitlines()
    assert lines[2].startswith("Sending is paused since ")
    assert lines[2].endswith(": the provider called")
    assert lines[3] == "  To go on: python manage.py deliveries resume"
    assert lines[-1].endswith("; paused")
    assert "Nothing to do: paused since" in run("pause", "--reason", "another")
    assert run("resume") == "Sending goes on with the next tick.\n"
    assert run("resume") == "There is no pause.\n"
    assert not SendingPause.objects.exists()
    run("pause")
    assert SendingPause.objects.get().reason == "paused by hand"


def test_pause_and_resume_of_a_domain(deliver: Deliver, settings: Any) -> None:
    settings.DOMAIN_LIMITS = {"gmail.com": 20_000}
    waiting = deliver("deferred", retry_at=NOW, last_reply="sending to gmail.com is paused")
    assert run("pause", "--domain", "Gmail.com", "--reason", "they wrote <a@example.org>") == (
        "Sending to gmail.com is paused. To go on: "
        "python manage.py deliveries resume --domain gmail.com\n"
    )
    lines = run("--last", "0").splitlines()
    assert lines[2].startswith("Not sent to gmail.com since ")
    assert lines[2].endswith(": they wrote <a…@e….org>")
    assert lines[3] == "  To go on: python manage.py deliveries resume --domain gmail.com"
    assert lines[4] == "gmail.com: 0 of 20,000 today"
    assert lines[-1].endswith("; not sent to gmail.com")
    assert "Nothing to do: gmail.com, since" in run("pause", "--domain", "gmail.com")
    run("pause", "--domain", "aol.com")
    assert run("resume").splitlines() == [
        "There is no pause of all sending.",
        "  Not sent to aol.com. To go on: python manage.py deliveries resume --domain aol.com",
        "  Not sent to gmail.com. To go on: python manage.py deliveries resume --domain gmail.com",
    ]
    run("resume", "--domain", "aol.com")
    on = "Sending to gmail.com goes on with the next tick.\n"
    assert run("resume", "--domain", "@gmail.com") == on
    assert run("resume", "--domain", "gmail.com") == "There is no pause of gmail.com.\n"
    waiting.refresh_from_db()
    assert waiting.retry_at and waiting.retry_at > NOW, "due now"
    assert waiting.last_reply == "", "it waits for no pause"


def test_retry_the_failed(deliver: Deliver) -> None:
    before = DAY - dt.timedelta(days=1)
    deliver("failed"), deliver("failed"), deliver("failed", before)
    assert run("retry") == "2 failed of 2025-10-12 are queued again\n"
    assert run("retry", "--day=2025-10-11") == "1 failed of 2025-10-11 are queued again\n"
    assert run("retry") == "0 failed of 2025-10-12 are queued again\n"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--last=-1"], "-1 is not a number from 0 up"),
        (["retry", "--day=12.10.2025"], "12.10.2025 is not a day like 2025-10-12"),
        (["retry", "--day=2025-10-01"], "no delivery is of 2025-10-01; the newest are of 2025-10"),
        (["pause", "--domain=gmail"], "gmail is not a domain like gmail.com"),
        (["settle"], "the following arguments are required: --log"),
        (["paws"], "choose from pause, resume, retry, settle"),
        (["settle", "--log", "nowhere.log"], "nowhere.log cannot be read: No such file"),
        (["settle", "--log", "/"], "/ cannot be read: Is a directory"),
    ],
)
def test_wrong_input_says_what_is_right(
    deliver: Deliver, arguments: list[str], complaint: str
) -> None:
    doubtful = deliver("in_doubt")
    with pytest.raises(CommandError) as error:
        run(*arguments)
    assert complaint in str(error.value).replace("'", "")
    assert Delivery.objects.get(pk=doubtful.pk).status == "in_doubt"


def test_retry_before_there_is_anything(db: None) -> None:
    with pytest.raises(CommandError, match="there are no deliveries yet"):
        run("retry")


def log_line(delivery: Delivery) -> bytes:
    return b"\xff taken <digest-%d@localhost>\n" % delivery.pk


def test_settle_by_several_logs(
    deliver: Deliver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent, *arrived = deliver("sent"), *(deliver("in_doubt") for _ in range(3))
    lost = deliver("in_doubt")
    plain, packed = tmp_path / "mail.log", tmp_path / "mail.log.1.gz"
    plain.write_bytes(log_line(sent) + log_line(arrived[0]))
    packed.write_bytes(gzip.compress(log_line(arrived[1])))
    pipe = io.TextIOWrapper(io.BytesIO(log_line(arrived[2])))
    monkeypatch.setattr(sys, "stdin", pipe)
    assert run("settle", "--log", str(plain), str(packed), "-") == (
        "3 were in the log and are sent, 1 were not and are queued again\n"
    )
    assert Delivery.objects.get(pk=lost.pk).status == "queued"
    assert run("settle", "--log", str(plain)) == "Nothing is in doubt.\n"


def test_settle_by_a_log_that_lacks_some(deliver: Deliver, tmp_path: Path) -> None:
    deliver("sent")
    arrived, lost = deliver("in_doubt"), deliver("in_doubt")
    log = tmp_path / "mail.log"
    log.write_bytes(log_line(arrived))
    with pytest.raises(CommandError) as error:
        run("settle", "--log", str(log))
    assert str(error.value) == (
        "1 were in the log and are sent, 0 queued again; 1 stay in doubt: the log lacks 1 of the "
        "1 that are known as sent from 2025-10-13 08:59:00 to 2025-10-13 09:01:00 UTC: give all "
        "logs of that time, of all mail servers"
    )
    assert Delivery.objects.get(pk=lost.pk).status == "in_doubt"
    Delivery.objects.filter(status="sent").delete()
    with pytest.raises(CommandError, match="nothing else is known as sent"):
        run("settle", "--log", str(log))


@pytest.mark.parametrize(
    "content", [b"plain text", gzip.compress(b"x" * 9999)[:-20]], ids=["plain", "cut short"]
)
def test_a_broken_log_changes_nothing(deliver: Deliver, tmp_path: Path, content: bytes) -> None:
    doubtful = deliver("in_doubt")
    whole, broken = tmp_path / "mail.log", tmp_path / "mail.log.2.gz"
    whole.write_bytes(log_line(doubtful))
    broken.write_bytes(content)
    with pytest.raises(CommandError, match=r"mail\.log\.2\.gz cannot be read: .*nothing was ch"):
        run("settle", "--log", str(whole), str(broken))
    assert Delivery.objects.get(pk=doubtful.pk).status == "in_doubt"


class Steps:
    """Stands in for the seconds between looks, in which workers go on."""

    def __init__(self, *steps: Callable[[], object]) -> None:
        self.left = list(steps)

    def __call__(self, seconds: float) -> None:
        assert seconds == 1
        self.left.pop(0)()


def interrupt() -> None:
    raise KeyboardInterrupt


def test_watch_says_each_change_once_until_all_is_sent(
    deliver: Deliver, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = deliver("queued"), deliver("queued")

    def send(delivery: Delivery) -> None:
        Delivery.objects.filter(pk=delivery.pk).update(status="sent", sent_at=NOW)

    steps = Steps(lambda: None, lambda: send(first), lambda: None, lambda: send(second))
    monkeypatch.setattr(time, "sleep", steps)
    assert run("--watch").splitlines() == [
        "2025-10-12: 2 queued", "2025-10-12: 1 sent, 1 queued", "2025-10-12: 2 sent",
    ]  # fmt: skip


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_watch_redraws_on_a_terminal_until_ctrl_c(
    deliver: Deliver, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver("queued")
    steps = Steps(lambda: run("pause", "--reason", "so many words " * 20), interrupt)
    monkeypatch.setattr(time, "sleep", steps)
    monkeypatch.setenv("COLUMNS", "80")
    terminal = Terminal()
    call_command("deliveries", "--watch", stdout=terminal)
    first, second = terminal.getvalue().split("\x1b[2F\x1b[J")
    assert first == f"Edition of 2025-10-12  {'░' * 40}  0 %\n  1 queued\n"
    assert "Sending is paused since" in second
    assert max(map(len, second.splitlines())) < 80, "what wraps by itself is not redrawn"
