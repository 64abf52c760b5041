"""Which domain an address is of, and which domains are one organisation's."""

from functools import cache

from publicsuffixlist import PublicSuffixList

from subscriptions.delivery.mime import address, bare


def mailbox_domain(mailbox: str) -> str:
    """The domain of ``Name <address>`` in A-labels and lower case; empty where it has none.

    Raises UnicodeError for a domain that no name in DNS can be.
    """
    return address(bare(mailbox)).rpartition("@")[2].lower()


def organisation(domain: str) -> str:
    """The organisational domain (RFC 7489 3.2): what was registered under a public suffix."""
    found: str | None = _suffixes().privatesuffix(domain)
    return found or domain


def aligned(domain: str, other: str, *, strict: bool = False) -> bool:
    """Whether DMARC takes two domains for one sender's (RFC 7489 3.1)."""
    return domain == other or (not strict and organisation(domain) == organisation(other))


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()
