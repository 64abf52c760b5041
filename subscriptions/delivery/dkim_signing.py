"""DKIM signatures (RFC 6376) of what goes out over SMTP: by RSA, Ed25519 (RFC 8463), or both.

``relaxed`` for headers, which servers fold anew; ``simple`` for the body, whose quoted-printable
has no white space that could get lost. All headers are signed, and From once more, so that
nobody can add a second one.
"""

import base64
import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, cast

import dkim
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)
from django.conf import settings

from .mime import address, bare
from .outcomes import Stopped

# dkimpy's own RSA is plain Python and takes ten times as long as OpenSSL's.
dkim.parse_pem_private_key = lambda key: key
dkim.RSASSA_PKCS1_v1_5_sign = lambda hashed, key: key.sign(
    hashed.digest(), PKCS1v15(), Prehashed(hashes.SHA256())
)


LEAST_BITS, GOOD_BITS = 1024, 2048
"""Of RSA: what receivers take (RFC 8301), and what they should get."""
_LABEL = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_SELECTOR = re.compile(rf"{_LABEL}(\.{_LABEL})*", re.IGNORECASE | re.ASCII)
_MAKE = {"DKIM": "openssl genrsa -out dkim.pem 2048",
         "DKIM_ED25519": "openssl genpkey -algorithm ed25519 -out ed25519.pem"}  # fmt: skip


class KeyUnusable(ValueError):
    """What is wrong with a key that is set; ``hint`` is what to do."""

    def __init__(self, text: str, hint: str) -> None:
        super().__init__(text)
        self.hint = hint


class Key(NamedTuple):
    """A private key and the selector under which DNS has its public half."""

    selector: str
    private: RSAPrivateKey | Ed25519PrivateKey

    @property
    def record(self) -> str:
        """What DNS must have at ``<selector>._domainkey.<domain>``."""
        public = self.private.public_key()
        if isinstance(self.private, RSAPrivateKey):
            der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
            return f"v=DKIM1; k=rsa; p={base64.b64encode(der).decode()}"
        raw = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
        return f"v=DKIM1; k=ed25519; p={base64.b64encode(raw).decode()}"


def domain() -> str:
    """Who signs: ``DKIM_DOMAIN``, or the domain of ``DEFAULT_FROM_EMAIL``, in A-labels."""
    own = settings.DKIM_DOMAIN or bare(settings.DEFAULT_FROM_EMAIL).rpartition("@")[2]
    return address(f"@{own}")[1:].lower()


def configured_keys() -> Sequence[Key]:
    """Those that are set; none where this site does not sign. Raises KeyUnusable."""
    return _keys(
        ("DKIM", settings.DKIM_SELECTOR, settings.DKIM_KEY),
        ("DKIM_ED25519", settings.DKIM_ED25519_SELECTOR, settings.DKIM_ED25519_KEY),
    )


def signed(message: bytes) -> bytes:
    """A message ready for SMTP with a signature of each key before it.

    Raises Stopped where a key cannot be used: unsigned mail would harm the site's name.
    """
    try:
        found = configured_keys()
    except KeyUnusable as error:
        raise Stopped(str(error)) from error
    if not found:
        return message
    head, end, body = message.partition(b"\r\n\r\n")
    signer = dkim.DKIM(head + end)
    signer.body = body  # it would be taken apart into lines
    headers = [*(name for name, _ in signer.headers), b"From"]
    return b"".join([*(_signature(signer, key, headers) for key in found), message])


def _signature(signer: dkim.DKIM, key: Key, headers: Sequence[bytes]) -> bytes:
    algorithm, private = b"rsa-sha256", cast(Any, key.private)
    if isinstance(private, Ed25519PrivateKey):
        algorithm, private = b"ed25519-sha256", base64.b64encode(private.private_bytes_raw())
    signature: bytes = signer.sign(
        key.selector.encode(),
        domain().encode(),
        private,
        signature_algorithm=algorithm,
        canonicalize=(b"relaxed", b"simple"),
        include_headers=headers,
    )
    return signature


@lru_cache(4)
def _keys(*configured: tuple[str, str, str]) -> tuple[Key, ...]:
    found = [_key(*one) for one in configured if any(one[1:])]
    if len({key.selector for key in found}) < len(found):
        text = "DKIM_SELECTOR and DKIM_ED25519_SELECTOR are the same: DNS needs two"
        raise KeyUnusable(text, "DKIM_ED25519_SELECTOR=pr2026ed")
    return tuple(found)


def _key(setting: str, selector: str, value: str) -> Key:
    """``value`` is the text of a PEM file, or its path."""
    name = f"{setting}_KEY"
    if not selector:
        text = f"{setting}_SELECTOR is not set, but {name} is"
        raise KeyUnusable(text, f"{setting}_SELECTOR=pr2026")
    if not value:
        text = f"{name} is not set, but {setting}_SELECTOR is"
        raise KeyUnusable(text, f"{_MAKE[setting]}, and name that file in {name}")
    if not _SELECTOR.fullmatch(selector):
        text = f"{setting}_SELECTOR is no name that DNS could have: {selector[:20]!r}"
        hint = "Letters, digits and hyphens, without ._domainkey: pr2026"
        raise KeyUnusable(text, hint)
    private = _private(name, value, f"{_MAKE[setting]} makes one")
    kind = Ed25519PrivateKey if setting == "DKIM_ED25519" else RSAPrivateKey
    if not isinstance(private, RSAPrivateKey | Ed25519PrivateKey) or not isinstance(private, kind):
        text = f"{name} is not a key for {kind.__name__.split('Private')[0]}"
        raise KeyUnusable(text, f"{_MAKE[setting]} makes one")
    if isinstance(private, RSAPrivateKey) and private.key_size < LEAST_BITS:
        text = f"{name} has {private.key_size} bits: receivers ignore its signatures"
        raise KeyUnusable(text, f"{_MAKE[setting]}, with a new selector")
    return Key(selector, private)


def _private(name: str, value: str, make: str) -> object:
    try:
        pem = value if value.startswith("-----BEGIN") else Path(value).read_text()
        return load_pem_private_key(pem.encode(), password=None)
    except FileNotFoundError as error:
        text = f"{name} cannot be read: {error.strerror}"
        raise KeyUnusable(
            text, f"There is no {_path(value)}; name the file from the root."
        ) from error
    except PermissionError as error:
        text = f"{name} cannot be read: {error.strerror}"
        hint = f"chown {_path(value)} to the user that Paper Round runs as."
        raise KeyUnusable(text, hint) from error
    except OSError as error:
        text = f"{name} cannot be read: {error.strerror}"
        raise KeyUnusable(text, f"{name} is the path of a PEM file, or its text.") from error
    except (ValueError, TypeError) as error:  # of another format, or with a password
        text = f"{name} is no private key in PEM without a password"
        raise KeyUnusable(text, make) from error


def _path(value: str) -> str:
    """As it may be shown: what is no path could be a key's text, put in wrongly."""
    return value if len(value) < 200 and value.isprintable() and "/" in value else "such a file"
