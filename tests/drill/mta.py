"""A Postfix of the drill's own: what it does with a message is told by the recipient's name.

A reader of the plan's kind ``gone`` is ``gone-17@…``. Mail to the site's own domain, and to readers
whose own server refuses it later, goes on by LMTP (RFC 2033).
"""

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.services import free_port, wait_until

POSTFIX = "/usr/sbin/postfix"
QUEUES = "maildrop", "incoming", "active", "deferred"

_MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/spool
data_directory = {folder}/data
daemon_directory = /usr/lib/postfix/sbin
command_directory = /usr/sbin
maillog_file = {folder}/log/mail.log
maillog_file_prefixes = {folder}/log
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mx.drill.example
mynetworks = 127.0.0.0/8
mydestination =
local_recipient_maps =
alias_maps =
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_recipient_restrictions =
    check_recipient_access regexp:{folder}/access, permit_mynetworks, reject
smtpd_client_connection_count_limit = 0
smtpd_error_sleep_time = 0
smtpd_hard_error_limit = 10000
header_checks = regexp:{folder}/headers
transport_maps = regexp:{folder}/transport
default_transport = discard
notify_classes =
maximal_queue_lifetime = 0
bounce_queue_lifetime = 1h
smtputf8_enable = yes
"""
_MASTER = """
127.0.0.1:{port} inet n - n - 20 smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
lmtp unix - - n - 10 lmtp
postlog unix-dgram n - n - 1 postlogd
"""


class Postfix:
    """The server, as its owner holds it."""

    def __init__(self, folder: Path, port: int) -> None:
        self.port, self._folder = port, folder

    def refuse(self, at_rcpt: Mapping[str, str]) -> None:
        """By kind, the reply to RCPT from now on: ``550 5.1.1 …``."""
        (self._folder / "access").write_text(_table("/^{}-/ {}", at_rcpt))
        _postfix(self._folder / "conf", "reload")

    def rest(self) -> None:
        """Wait until all that was taken has been delivered, or sent back."""
        queues = [self._folder / "spool" / name for name in QUEUES]
        wait_until(lambda: not any(map(_holds_mail, queues)), "Postfix does not come to rest")


@contextmanager
def running_postfix(
    folder: Path, at_rcpt: Mapping[str, str], at_end: Mapping[str, str], lmtp: Mapping[str, int]
) -> Iterator[Postfix]:
    """A server that throws away all mail that no table names.

    ``at_rcpt``: as in ``Postfix.refuse``. ``at_end``: by kind, the status and text to the end of
    data. ``lmtp``: by pattern of the address, the port of the next server, whose refusals come
    back as delivery status notifications (RFC 3464).
    """
    port = free_port()
    for name in ("spool", "data", "log", "conf"):
        (folder / name).mkdir(parents=True)
    folder.chmod(0o755)
    shutil.chown(folder / "data", "postfix")
    shutil.chown(folder / "log", "postfix")
    (folder / "access").write_text(_table("/^{}-/ {}", at_rcpt))
    (folder / "headers").write_text(_table("/^To: {}-/ REJECT {}", at_end))
    (folder / "transport").write_text(_table("/{}/ lmtp:inet:[127.0.0.1]:{}", lmtp))
    config = folder / "conf"
    (config / "main.cf").write_text(_MAIN.format(folder=folder))
    (config / "master.cf").write_text(_MASTER.format(port=port))
    _postfix(config, "start")
    try:
        wait_until(lambda: (folder / "spool" / "pid" / "master.pid").exists(), "Postfix started")
        yield Postfix(folder, port)
    finally:
        _postfix(config, "stop")


def _holds_mail(queue: Path) -> bool:
    return any(path.is_file() for path in queue.rglob("*"))


def _postfix(config: Path, command: str) -> None:
    done = subprocess.run([POSTFIX, "-c", config, command], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"postfix {command}: {done.stderr}")


def _table(line: str, values: Mapping[str, object]) -> str:
    return "".join(f"{line.format(name, value)}\n" for name, value in values.items())
