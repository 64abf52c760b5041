"""System checks for what an operator sets, most before the site faces the world."""

import re
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured
from django.core.mail import get_connection

from .encoder import DEFAULT, load_encoder
from .flows.mailbox import account
from .sources import feeds

LONGEST_PART = 200
AMAZON = "anymail.backends.amazon_ses.EmailBackend"


@register
def check_encoder(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """A folder that is named must be there; without the extra, words do."""
    try:
        if settings.ENCODER != DEFAULT and (encoder := load_encoder(settings.ENCODER)):
            encoder(["paper"])
    except Exception as error:  # noqa: BLE001 (a model's libraries raise many kinds)
        hint = "ENCODER is default, none, or a folder with model.onnx and tokenizer.json."
        return [Error(f"ENCODER: {error}.", hint=hint, id="paper_round.E003")]
    return []


@register
def check_sources(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    entries = [entry.partition(":") for entry in settings.SOURCES]
    return [
        Error(
            f"SOURCES: there is no source {name!r}, or its part is too long.",
            hint=f"It can be none, or of {', '.join(feeds())}; with a part: arxiv-oai:cs.",
            id="paper_round.E004",
        )
        for name, _, part in entries
        if (name not in feeds() or len(part) > LONGEST_PART) and settings.SOURCES != ["none"]
    ]


@register
def check_mail_service(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """A mail service needs its key; Amazon's needs a region, and the extra ``ses``."""
    if not settings.EMAIL_BACKEND.startswith("anymail.backends."):
        return []
    hint = "docs/configuration.md names the variables of each mail service."
    try:
        connection: Any = get_connection()
    except ImportError:
        text = "EMAIL_URL: Amazon SES needs boto3, which is not installed."
        hint = "EXTRAS=ses and build again; without containers: uv sync with --extra ses."
        return [Error(text, hint=hint, id="paper_round.E005")]
    except ImproperlyConfigured as error:  # names the setting in three ways, ours among them
        variable = re.search(r"\bANYMAIL_\w+", str(error))
        text = f"EMAIL_URL: {f'{variable[0]} is not set.' if variable else error}"
        return [Error(text, hint=hint, id="paper_round.E006")]
    if settings.EMAIL_BACKEND == AMAZON and not _amazon_region(connection):
        text = "EMAIL_URL: AWS_DEFAULT_REGION is not set: where Amazon SES is."
        return [Error(text, hint="AWS_DEFAULT_REGION=eu-west-1", id="paper_round.E006")]
    return []


def _amazon_region(connection: Any) -> str | None:
    """As boto3 finds it: in the environment, its own files, or what django-anymail is told."""
    session = import_module("boto3.session").Session(**connection.session_params)
    region: str | None = connection.client_params.get("region_name") or session.region_name
    return region


@register
def check_inbound(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """What would keep mail that comes back, and what mail services tell, from being taken."""
    found: list[CheckMessage] = []
    try:
        if settings.IMAP_URL:
            account(settings.IMAP_URL)
    except ValueError as error:
        hint = "IMAP_URL=imaps://user:password@imap.example.org:993/INBOX, percent-encoded"
        found.append(Error(f"IMAP_URL: {error}.", hint=hint, id="paper_round.E020"))
    secret = settings.ANYMAIL.get("WEBHOOK_SECRET") or []
    if any(":" not in one for one in ([secret] if isinstance(secret, str) else secret)):
        text = "ANYMAIL_WEBHOOK_SECRET is a user and a password with a colon between."
        found.append(
            Error(text, hint="ANYMAIL_WEBHOOK_SECRET=user:password", id="paper_round.E021")
        )
    amazon = (settings.EMAIL_HOST or "").endswith(".amazonaws.com")
    if amazon and secret and not _is_installed("boto3"):
        text = "Amazon SES cannot tell of bounces: its webhooks need boto3, which is not installed."
        hint = "EXTRAS=ses and build again; without containers: uv sync with --extra ses."
        found.append(Warning(text, hint=hint, id="paper_round.W021"))
    if (settings.IMAP_URL or settings.INBOUND_SECRET) and not settings.BOUNCE_ADDRESS:
        text = "Mail is taken in, but nothing is sent to it: BOUNCE_ADDRESS is not set."
        found.append(
            Warning(text, hint="BOUNCE_ADDRESS=bounces@example.org", id="paper_round.W020")
        )
    return found


def _is_installed(name: str) -> bool:
    try:
        import_module(name)
    except ImportError:
        return False
    return True


@register(Tags.security, deploy=True)
def check_deployment(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if not settings.POSTAL_ADDRESS.strip():
        found.append(
            Error(
                "POSTAL_ADDRESS is not set; the law asks for one in every digest.",
                hint="POSTAL_ADDRESS='Paper Round, 1 Example Street, 12345 Town, Country'",
                id="paper_round.E001",
            )
        )
    if not settings.KEYS_FROM_ENVIRONMENT:
        found.append(
            Error(
                "SECRET_KEY and SUPPRESSION_KEY are not both set; keys kept in VAR_DIR are "
                "for a site on one machine.",
                hint="python -c 'import secrets; print(secrets.token_urlsafe(48))' for each",
                id="paper_round.E002",
            )
        )
    if settings.EMAIL_BACKEND.endswith("console.EmailBackend"):
        found.append(
            Warning(
                "EMAIL_URL is not set: digests are printed to the terminal and reach nobody.",
                hint="EMAIL_URL=smtp+tls://user:password@mail.example.org:587",
                id="paper_round.W002",
            )
        )
    return found
