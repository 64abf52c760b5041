"""``make demo``: the whole service on one machine, by the commands an operator would use."""

import datetime as dt
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

LOGIN = "editor"
Process = subprocess.Popen[bytes]


class Command(BaseCommand):
    help = "Try it: sample papers and readers, a Monday's digests in a local inbox, the site."
    requires_system_checks = ()

    def handle(self, **options: Any) -> None:
        port, inbox_port = _port("PORT", 8000), _port("INBOX_PORT", 1080)
        folder = settings.BASE_DIR / "var" / "demo"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        smtp_port = _free_port()
        site, inbox = f"http://localhost:{port}", f"http://localhost:{inbox_port}"
        environ = os.environ | {
            "VAR_DIR": str(folder),
            "DATABASE_URL": "",
            "REDIS_URL": "",
            "SITE_URL": site,
            "EMAIL_URL": f"smtp://127.0.0.1:{smtp_port}",
            "SOURCES": "none",
            "POSTAL_ADDRESS": "Paper Round demo, 1 Example Street, 12345 Exampletown",
            "DJANGO_SUPERUSER_PASSWORD": LOGIN,
        }
        environ = {name: value for name, value in environ.items() if value}
        demo = _Demo(environ)
        # A supervisor stops with TERM, a terminal with Ctrl-C: both end all of it.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            self._prepare(demo, folder, smtp_port, inbox_port)
            self._start_site(demo, site, inbox, port)
            if os.environ.get("DEMO_ONCE"):
                mails = len(list((folder / "outbox").glob("*.eml")))
                self.stdout.write(f"Ended as asked; {mails} mails are in var/demo/outbox/")
            else:
                demo.start("tick", "--every=60")
                demo.wait()
        except KeyboardInterrupt:
            self.stdout.write("\nStopped.")
        finally:
            demo.stop()

    def _prepare(self, demo: "_Demo", folder: Path, smtp_port: int, inbox_port: int) -> None:
        now = _monday_morning()
        moment = now.isoformat().replace("+00:00", "Z")
        self._step("Database (SQLite)", demo, "migrate", "--verbosity=0")
        self._step("Starter topics", demo, "load_topics")
        self._step("Sample papers and readers", demo, "load_sample", f"--now={moment}")
        self._step(
            "Editor's login", demo, "createsuperuser", "--noinput", "--verbosity=0",
            f"--username={LOGIN}", "--email=editor@example.org",
        )  # fmt: skip
        self._say("Local inbox (catches all mail, delivers none)")
        demo.start(
            "inbox", str(folder / "outbox"), f"--smtp-port={smtp_port}", f"--http-port={inbox_port}"
        )
        _wait_for(f"http://127.0.0.1:{inbox_port}/api/messages", demo)
        self._step(
            f"It is now Monday, {now:%d %B %Y, %H:%M} UTC: sending what is due",
            demo, "send_due", f"--now={moment}",
        )  # fmt: skip
        demo.run("deliveries")

    def _start_site(self, demo: "_Demo", site: str, inbox: str, port: int) -> None:
        demo.start_program(
            sys.executable, "-m", "gunicorn", "digest_service.wsgi", f"--bind=127.0.0.1:{port}",
            "--threads=4", "--log-level=warning",
        )  # fmt: skip
        _wait_for(f"http://127.0.0.1:{port}/healthz", demo)
        self.stdout.write(
            f"\n  Sign up:  {site}/\n  Inbox:    {inbox}/\n"
            f"  Admin:    {site}/admin/   (login {LOGIN}, password {LOGIN})\n"
            f"  Who got what: {site}/admin/subscriptions/delivery/\n\n"
            "  Ctrl-C stops all of it. Every `make demo` starts afresh.\n"
        )
        self.stdout.write(f"ready site={site}/ inbox={inbox}/ admin={site}/admin/")
        self.stdout.flush()

    def _step(self, what: str, demo: "_Demo", *command: str) -> None:
        self._say(f"{what}  [manage.py {' '.join(command)}]")
        demo.run(*command)

    def _say(self, what: str) -> None:
        self.stdout.write(self.style.MIGRATE_HEADING(f"» {what}"))
        self.stdout.flush()


class _Demo:
    """The processes of one demo."""

    def __init__(self, environ: dict[str, str]) -> None:
        self.environ = environ
        self.processes: list[Process] = []

    def run(self, *command: str) -> None:
        program = [sys.executable, "manage.py", *command]
        if subprocess.run(program, env=self.environ, check=False).returncode:
            raise CommandError(f"manage.py {command[0]} failed; its message is above.")

    def start(self, *command: str) -> None:
        self.start_program(sys.executable, "manage.py", *command)

    def start_program(self, *command: str) -> None:
        self.processes.append(subprocess.Popen(command, env=self.environ, start_new_session=True))

    def check(self) -> None:
        for process in self.processes:
            if process.poll() is not None:
                raise CommandError("A part of the demo ended by itself; its message is above.")

    def wait(self) -> None:
        while True:
            self.check()
            time.sleep(0.5)

    def stop(self) -> None:
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()


def _monday_morning() -> dt.datetime:
    """The latest Monday, 09:00 UTC, that has been."""
    now = timezone.now()
    morning = now.replace(hour=9, minute=0, second=0, microsecond=0)
    monday = morning - dt.timedelta(days=now.weekday())
    return monday if monday <= now else monday - dt.timedelta(days=7)


def _port(name: str, default: int) -> int:
    """The port a variable names, if it is one and free. Raises CommandError otherwise."""
    text = os.environ.get(name) or str(default)
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise CommandError(f"{name}={text} is not a port number.")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", int(text)))
        except OSError:
            raise CommandError(
                f"Port {text} is busy. Try another: make demo {name}={int(text) + 1}"
            ) from None
    return int(text)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(url: str, demo: _Demo) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        demo.check()
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310  (our own http address)
                return
        except OSError:
            time.sleep(0.1)
    raise CommandError(f"{url} did not answer within 30 seconds.")
