"""``manage.py parse_bounce``: what messages that came back say, one line of JSON each."""

import json
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

FULL = b"""From: MAILER-DAEMON@mx.example
Subject: Undelivered Mail

<ada@example.org>: mailbox full
<bob@example.org>: connection timed out
"""


def lines(out: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in out.splitlines()]


def test_a_line_for_each_recipient(tmp_path: Path) -> None:
    file = tmp_path / "bounce.eml"
    file.write_bytes(FULL)
    out = StringIO()
    call_command("parse_bounce", str(file), stdout=out)
    assert lines(out.getvalue()) == [
        {
            "file": str(file),
            "address": "ada@example.org",
            "kind": "soft",
            "status": "",
            "reason": "mailbox full: <ada@example.org>: mailbox full",
        },
        {
            "file": str(file),
            "address": "bob@example.org",
            "kind": "soft",
            "status": "",
            "reason": "temporary: <bob@example.org>: connection timed out",
        },
    ]


def test_a_message_that_says_nothing_has_a_line(tmp_path: Path) -> None:
    file = tmp_path / "hello.eml"
    file.write_bytes(b"From: ada@example.org\nSubject: hello\n\nhello\n")
    out = StringIO()
    call_command("parse_bounce", str(file), stdout=out)
    assert [(each["kind"], each["address"]) for each in lines(out.getvalue())] == [("unknown", "")]


def test_a_file_that_cannot_be_read_stops_no_other(tmp_path: Path) -> None:
    file = tmp_path / "bounce.eml"
    file.write_bytes(FULL)
    out = StringIO()
    with pytest.raises(CommandError, match=r"nowhere\.eml cannot be read: No such file"):
        call_command("parse_bounce", str(tmp_path / "nowhere.eml"), str(file), stdout=out)
    assert len(lines(out.getvalue())) == 2


def test_standard_input_is_read() -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "parse_bounce", "-", "/nowhere"],
        input=FULL,
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert [each["file"] for each in lines(done.stdout.decode())] == ["-", "-"]
    assert b"/nowhere cannot be read" in done.stderr
