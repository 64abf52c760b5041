"""How an operator chooses a mail service, and what they are told where something is missing."""

import os
import subprocess
import sys
from typing import Any

import pytest
from django.core.checks import Error, run_checks

from subscriptions.checks import check_mail_service
from tests.conftest import ROOT
from tests.delivery.esp_server import ESPS

KEYS = {
    "mailgun": "MAILGUN_API_KEY",
    "postmark": "POSTMARK_SERVER_TOKEN",
    "sendgrid": "SENDGRID_API_KEY",
}


def test_email_url_names_each_service(tmp_path: Any) -> None:
    """The settings are read anew, as by a site that starts."""
    code = (
        "import os\n"
        "from digest_service import settings\n"
        "for url in ('amazon-ses', 'mailgun', 'postmark', 'sendgrid'):\n"
        "    print(settings.env.email_url_config(f'{url}://')['EMAIL_BACKEND'])\n"
        "print(settings.EMAIL_BACKEND, settings.ANYMAIL['MAILGUN_API_KEY'])\n"
    )
    variables = {
        "EMAIL_URL": "mailgun://",
        "ANYMAIL_MAILGUN_API_KEY": "k",
        "VAR_DIR": str(tmp_path),
    }
    told = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT, env=os.environ | variables, check=True, capture_output=True, text=True,
    )  # fmt: skip
    *each, chosen = told.stdout.splitlines()
    assert each == [f"anymail.backends.{esp}.EmailBackend" for esp in sorted(ESPS)]
    assert chosen == "anymail.backends.mailgun.EmailBackend k"


@pytest.mark.parametrize("esp", KEYS)
def test_a_service_without_its_key_is_an_error(settings: Any, esp: str) -> None:
    settings.EMAIL_BACKEND, settings.ANYMAIL = f"anymail.backends.{esp}.EmailBackend", {}
    (error,) = check_mail_service(None)
    assert isinstance(error, Error)
    assert error.msg == f"EMAIL_URL: ANYMAIL_{KEYS[esp]} is not set."
    settings.ANYMAIL = {KEYS[esp]: "k"}
    assert check_mail_service(None) == []


def test_amazon_without_its_extra_is_an_error(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.EMAIL_BACKEND = "anymail.backends.amazon_ses.EmailBackend"
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    assert check_mail_service(None) == []
    monkeypatch.setitem(sys.modules, "boto3", None)
    monkeypatch.delitem(sys.modules, "anymail.backends.amazon_ses", raising=False)
    errors = [error for error in run_checks() if error.id == "paper_round.E005"]
    assert [error.hint for error in errors] and "EXTRAS=ses" in str(errors[0].hint)


def test_amazon_without_a_region_is_an_error(
    settings: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    settings.EMAIL_BACKEND = "anymail.backends.amazon_ses.EmailBackend"
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    (error,) = check_mail_service(None)
    assert error.id == "paper_round.E006" and "AWS_DEFAULT_REGION is not set" in error.msg
    settings.ANYMAIL = {"AMAZON_SES_CLIENT_PARAMS": {"region_name": "eu-west-1"}}
    assert check_mail_service(None) == []


@pytest.mark.parametrize("url", ["foo://x", "mail.example.org:25", "smtp://mail.example.org:x"])
def test_an_email_url_that_is_none_is_told(tmp_path: Any, url: str) -> None:
    told = subprocess.run(
        [sys.executable, "-c", "from digest_service import settings"],
        cwd=ROOT, capture_output=True, text=True, check=False,
        env=os.environ | {"EMAIL_URL": url, "VAR_DIR": str(tmp_path)},
    )  # fmt: skip
    assert told.returncode == 1
    last = told.stderr.splitlines()[-1]
    assert "ImproperlyConfigured: EMAIL_URL " in last and "smtp+tls://" in last
