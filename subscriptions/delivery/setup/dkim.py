"""DKIM (RFC 6376): whether DNS has the public halves of the keys that sign."""

import base64
from collections.abc import Iterator

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from subscriptions.delivery.dkim_signing import (
    GOOD_BITS,
    LEAST_BITS,
    Key,
    KeyUnusable,
    configured_keys,
)

from .findings import Finding, Level, txt
from .lookups import LookupFailed, Lookups

COVER = "its signature must cover List-Unsubscribe and List-Unsubscribe-Post"
NOT_HERE = (
    f"mail is not signed here. Does your mail server sign? Then pass its --selector; {COVER}. "
    "Else make a key: openssl genrsa -out dkim.pem 2048"
)


def check_dkim(domain: str, selectors: list[str], dns: Lookups) -> Iterator[Finding]:
    """Of each key configured here, and of ``selectors`` that another machine signs with."""
    try:
        keys = configured_keys()
    except KeyUnusable as error:
        yield _finding(Level.WRONG, str(error), error.hint)
        keys = ()
    else:
        if not keys and not selectors:
            advice = "Then set: DKIM_SELECTOR=pr1 and DKIM_KEY=/…/dkim.pem"
            yield _finding(Level.WARNING, NOT_HERE, advice)
    for key in keys:
        yield _check(f"{key.selector}._domainkey.{domain}", key, dns)
    for selector in selectors:
        yield _check(f"{selector}._domainkey.{domain}", None, dns)
    if keys and not any(isinstance(key.private, RSAPrivateKey) for key in keys):
        text = "many receivers know no Ed25519: sign by RSA as well"
        yield _finding(Level.WARNING, text, "Set: DKIM_SELECTOR=… and DKIM_KEY=…")


def _check(name: str, key: Key | None, dns: Lookups) -> Finding:
    record = txt(name, key.record) if key else ""
    instead = f"Replace it by: {record}" if key else ""
    try:
        records = dns.texts(name)
    except LookupFailed as error:
        return _finding(Level.WARNING, str(error))
    if not records:
        add = f"Add: {record}" if key else ""
        return _finding(Level.WRONG, f"there is no key at {name}", add)
    if len(records) > 1:
        return _finding(Level.WRONG, f"there are {len(records)} TXT records at {name}: leave one")
    try:
        tags = parse_tags(records[0])
        published = base64.b64decode("".join(tags["p"].split()), validate=True)
        kind = tags.get("k", "rsa")
        bits = _rsa_bits(published) if published and kind == "rsa" else None
    except (KeyError, ValueError):
        return _finding(Level.WRONG, f"what is at {name} is no DKIM key", instead)
    if why := _unusable(key, tags, published, bits):
        return _finding(Level.WRONG, f"the key at {name} {why}", instead)
    if "y" in tags.get("t", "").split(":"):
        return _finding(Level.WARNING, f"the key at {name} says it is a test (t=y)", instead)
    if bits is not None and bits < GOOD_BITS:
        return _finding(Level.WARNING, f"the key at {name} has {bits} bits: 2048 are better")
    text = f"{name} has the key ({f'RSA, {bits} bits' if bits else kind})"
    return _finding(Level.OK, text if key else f"{text}; {COVER}")


def _unusable(key: Key | None, tags: dict[str, str], published: bytes, bits: int | None) -> str:
    """Why receivers cannot verify by a record; ``key`` is the private half, where it is here."""
    if not published:
        return "is revoked"
    if key:
        wanted = parse_tags(key.record)
        if (tags.get("k", "rsa"), published) != (wanted["k"], base64.b64decode(wanted["p"])):
            return "is not the public half of the key that signs"
    if "sha256" not in tags.get("h", "sha256").split(":"):
        return "does not allow SHA-256"
    if not {"*", "email"} & set(tags.get("s", "*").split(":")):
        return "is not for mail"
    if bits is not None and bits < LEAST_BITS:
        return f"has {bits} bits: receivers ignore it"
    return ""


def parse_tags(record: str) -> dict[str, str]:
    """The ``tag=value`` pairs of a record (RFC 6376 3.2). Raises ValueError for another form."""
    pairs = [part.partition("=") for part in record.split(";") if part.strip()]
    if not all(sign for _, sign, _ in pairs):
        raise ValueError("not a list of tags")
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _rsa_bits(published: bytes) -> int:
    try:
        key = load_der_public_key(published)
    except UnsupportedAlgorithm as error:
        raise ValueError("another kind of key") from error
    if not isinstance(key, RSAPublicKey):
        raise ValueError("another kind of key")
    return key.key_size


def _finding(level: Level, text: str, advice: str = "") -> Finding:
    return Finding(level, "DKIM", text, advice)
