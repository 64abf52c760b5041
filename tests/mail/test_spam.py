"""What SpamAssassin thinks of every mail: ``DIGESTS=200 pytest -s tests/mail/test_spam.py`` for
all of a real week's.
"""

import re
import shutil
import subprocess
from email.message import EmailMessage
from mailbox import mbox
from pathlib import Path

from tests.conftest import missing

MOST = 0.0


def test_no_mail_has_a_point(sent: list[EmailMessage], tmp_path: Path) -> None:
    if not shutil.which("spamassassin"):
        missing("SpamAssassin is not installed")
    box = mbox(tmp_path / "mails")
    for message in sent:
        box.add(message.as_bytes())
    box.flush()
    options = ["--local", "--test-mode", "--prefspath=/dev/null", "--cf=use_bayes 0"]
    run = subprocess.run(
        ["spamassassin", *options, "--mbox", str(tmp_path / "mails")],
        capture_output=True,
        text=True,
        check=True,
        env={"HOME": str(tmp_path), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
    )
    judged = re.findall(r"^X-Spam-Status: \w+, score=(-?[\d.]+).*?\stests=(\S*)", run.stdout, re.M)
    scores = [float(score) for score, _ in judged]
    assert len(scores) == len(sent)
    print(f"SpamAssassin, {len(scores)} mails: {min(scores)} to {max(scores)}")
    assert max(scores) <= MOST, [tests for score, tests in judged if float(score) > MOST]
