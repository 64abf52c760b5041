"""A setup that is sound, as DNS and the settings have it, and what is said when it changes."""

from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from subscriptions.delivery.dkim_signing import Key
from tests.dns_server import DnsServer

IP = "192.0.2.25"
RSA = rsa.generate_private_key(65537, 2048)
SHORT = rsa.generate_private_key(65537, 1024)
ED25519 = ed25519.Ed25519PrivateKey.generate()
SELECTOR = "pr1._domainkey.example.org"


def txt(name: str, text: str) -> str:
    parts = [text[start : start + 200] for start in range(0, len(text), 200)]
    return f"{name}. IN TXT " + " ".join(f'"{part}"' for part in parts)


SPF = txt("example.org", f"v=spf1 ip4:{IP} -all")
DKIM = txt(SELECTOR, Key("pr1", RSA).record)
DMARC = txt("_dmarc.example.org", "v=DMARC1; p=quarantine; rua=mailto:dmarc@example.org")
MX = "example.org. IN MX 10 mail.example.org."
ADDRESS = f"mail.example.org. IN A {IP}"
PTR = "25.2.0.192.in-addr.arpa. IN PTR mail.example.org."
SOUND = [SPF, DKIM, DMARC, MX, ADDRESS, PTR]

Check = Callable[..., dict[str, list[str]]]


def pem(key: Any) -> str:
    return str(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


def change(dns: DnsServer, record: str, *others: str) -> None:
    dns.zone = [known for known in dns.zone if known != record] + list(others)
