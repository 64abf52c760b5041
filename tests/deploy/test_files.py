"""The files an operator starts from: linted, and complete about every variable."""

import re
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT
from tests.node import NODE

SETTINGS = set(
    re.findall(
        r'\benv(?:\.\w+)?\(\s*"([A-Z0-9_]+)"',
        (ROOT / "digest_service" / "settings.py").read_text(encoding="utf-8"),
    )
)
READ_ELSEWHERE = {
    "ANYMAIL_MAILGUN_API_KEY": "django-anymail",
    "ANYMAIL_MAILGUN_API_URL": "django-anymail",
    "ANYMAIL_MAILGUN_SENDER_DOMAIN": "django-anymail",
    "ANYMAIL_POSTMARK_MESSAGE_STREAM": "django-anymail",
    "ANYMAIL_POSTMARK_SERVER_TOKEN": "django-anymail",
    "ANYMAIL_SENDGRID_API_KEY": "django-anymail",
    "ANYMAIL_MAILGUN_WEBHOOK_SIGNING_KEY": "django-anymail",
    "ANYMAIL_SENDGRID_TRACKING_WEBHOOK_VERIFICATION_KEY": "django-anymail",
    "ANYMAIL_WEBHOOK_SECRET": "django-anymail",
    "AWS_ACCESS_KEY_ID": "boto3",
    "AWS_DEFAULT_REGION": "boto3",
    "AWS_SECRET_ACCESS_KEY": "boto3",
    "COMPOSE_PROFILES": "docker compose: which optional services start",
    "EXTRAS": "docker-compose.yml, for the build",
    "INBOX_PORT": "make demo, docker-compose.yml",
    "PORT": "make demo, docker-compose.yml",
    "POSTGRES_PASSWORD": "docker-compose.yml, for the db service",
    "WEB_CONCURRENCY": "gunicorn",
    "WORKER_CONCURRENCY": "docker-compose.yml, for celery worker",
}


def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    _passes([str(Path(sys.executable).with_name("hadolint")), "Dockerfile"])


def test_dclint_finds_nothing_in_the_compose_file(node_modules: Path) -> None:
    dclint = node_modules / "dclint" / "bin" / "dclint.cjs"
    _passes([*NODE, str(dclint), "--max-warnings=0", "docker-compose.yml"])


def test_the_image_has_the_makefiles_uv() -> None:
    makefile = re.search(r"^UV_VERSION := (\S+)$", _text("Makefile"), re.MULTILINE)
    dockerfile = re.search(r"^ARG UV_VERSION=(\S+)$", _text("Dockerfile"), re.MULTILINE)
    assert makefile and dockerfile
    assert dockerfile[1] == makefile[1]


def test_every_variable_is_documented_and_no_other() -> None:
    documented = re.findall(r"^\| `([A-Z0-9_]+)` \|", _text("docs/configuration.md"), re.MULTILINE)
    assert sorted(documented) == sorted(SETTINGS | set(READ_ELSEWHERE))


def test_every_variable_is_in_the_example_and_no_other() -> None:
    shown = re.findall(r"^(?:# )?([A-Z0-9_]+)=", _text(".env.example"), re.MULTILINE)
    assert set(shown) == SETTINGS | set(READ_ELSEWHERE)


def test_what_others_read_is_read() -> None:
    """The exceptions stay true; gunicorn and Compose read theirs by themselves."""
    compose, makefile = _text("docker-compose.yml"), _text("Makefile")
    for name in ("INBOX_PORT", "PORT", "POSTGRES_PASSWORD", "WORKER_CONCURRENCY"):
        assert f"${{{name}:" in compose
    assert "export PORT INBOX_PORT" in makefile
    assert "profiles:" in compose


def test_no_secret_is_in_the_image() -> None:
    """Nothing of the work tree but the code goes to the builder."""
    ignored = [
        line for line in _text(".dockerignore").splitlines() if line and not line.startswith("#")
    ]
    allowed = {line[1:] for line in ignored if line.startswith("!")}
    assert ignored[0] == "*"
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", _text("Dockerfile"), re.MULTILINE)
    assert {name for names in copied for name in names.split()} == allowed


def _passes(command: list[str]) -> None:
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    said = (found.stdout + found.stderr).strip()
    assert (found.returncode, said) == (0, ""), said


def _text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")
