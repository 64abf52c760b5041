import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.delivery.scripted_server import ScriptedServer

Serve = Callable[..., ScriptedServer]


@pytest.fixture
def serve(settings: Any) -> Iterator[Serve]:
    """Start a ScriptedServer, which the settings name as the mail server."""
    with ExitStack() as stack:

        def start(*answers: Any, **options: Any) -> ScriptedServer:
            server = stack.enter_context(ScriptedServer(*answers, **options))
            settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
            settings.EMAIL_HOST, settings.EMAIL_PORT = "localhost", server.port
            settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
            settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
            return server

        yield start


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    """What a server with that certificate speaks."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture
def trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its certificate is trusted here."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
