"""DKIM signatures (RFC 6376) of what goes out over SMTP: by RSA, Ed25519 (RFC 8463), or both.

``relaxed`` for headers, which servers fold anew; ``simple`` for the body, whose quoted-printable
has no white space that could get lost. All headers are signed, and From once more, so that
nobody can add a second one.
"""

import base64
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


class KeyUnusable(ValueError):
    """What is wrong with a key that is set."""


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
        raise KeyUnusable("DKIM_SELECTOR and DKIM_ED25519_SELECTOR are the same: DNS needs two")
    return tuple(found)


def _key(setting: str, selector: str, value: str) -> Key:
    """``value`` is the text of a PEM file, or its path."""
    if not selector:
        raise KeyUnusable(f"{setting}_SELECTOR is not set, but {setting}_KEY is")
    if not value:
        raise KeyUnusable(f"{setting}_KEY is not set, but {setting}_SELECTOR is")
    try:
        pem = value if value.startswith("-----BEGIN") else Path(value).read_text()
        private = load_pem_private_key(pem.encode(), password=None)
    except OSError as error:
        raise KeyUnusable(f"{setting}_KEY cannot be read: {error.strerror}") from error
    except (ValueError, TypeError) as error:  # of another format, or with a password
        raise KeyUnusable(f"{setting}_KEY is no private key in PEM without a password") from error
    kind = Ed25519PrivateKey if setting == "DKIM_ED25519" else RSAPrivateKey
    if not isinstance(private, RSAPrivateKey | Ed25519PrivateKey) or not isinstance(private, kind):
        raise KeyUnusable(f"{setting}_KEY is not a key for {kind.__name__.split('Private')[0]}")
    return Key(selector, private)
