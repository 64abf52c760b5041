"""What keeps a form from being used against others: limits by network and address, domains."""

import hashlib
import ipaddress
import logging
from functools import cache

from disposable_email_domains import blocklist
from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext as _
from limits import RateLimitItem, RateLimitItemPerDay, RateLimitItemPerHour, RateLimitItemPerMinute
from limits.storage import storage_from_string
from limits.strategies import FixedWindowRateLimiter

SIGN_UPS = RateLimitItemPerHour(30, namespace="sign-up")
"""Of one network."""
OF_ADDRESS = RateLimitItemPerDay(5, namespace="address")
"""Forms with one address that are taken in at all."""
PREVIEWS = RateLimitItemPerMinute(240, namespace="preview")
"""Of one network."""

PROOFS = RateLimitItemPerHour(1, namespace="proof")
"""Uses of one proof of work: longer than a challenge lives."""

SEARCHES = RateLimitItemPerMinute(120, namespace="search")
"""Of one network."""

logger = logging.getLogger(__name__)


def allowed(limit: RateLimitItem, who: str) -> bool:
    """Count one, and say whether it is within the limit.

    With Redis all processes count together, without it each for itself. Where Redis does not
    answer nothing is refused: a page does not depend on it.
    """
    key = hashlib.sha256(who.casefold().encode()).hexdigest()[:32]
    limiter = _limiter(settings.REDIS_URL)
    try:
        return limiter.hit(limit, key)
    except limiter.storage.base_exceptions as error:
        logger.warning("no limit was kept, as Redis did not answer: %s", error)
        return True


@cache
def _limiter(redis_url: str) -> FixedWindowRateLimiter:
    waits = {"socket_timeout": 1, "socket_connect_timeout": 1} if redis_url else {}
    storage = storage_from_string(
        redis_url or "memory://",
        wrap_exceptions=False,
        **waits,
    )
    return FixedWindowRateLimiter(storage)


def forget() -> None:
    """Start counting anew, in this process."""
    _limiter.cache_clear()


def network(request: HttpRequest) -> str:
    """Where a request comes from: ``203.0.113.0/24`` or ``2001:db8::/48``; empty if unknown.

    Of the addresses that proxies noted, the nearest that is not a private one; what is beyond
    it anyone can make up.
    """
    noted = request.headers.get("X-Forwarded-For", "").split(",")
    hops = [request.META.get("REMOTE_ADDR", ""), *reversed(noted)]
    known = [address for hop in hops if (address := _address(hop))]
    if not known:
        return ""
    nearest = next((address for address in known if not address.is_private), known[0])
    prefix = 24 if nearest.version == 4 else 48
    return str(ipaddress.ip_network((nearest, prefix), strict=False))


def network_address(request: HttpRequest) -> str | None:
    """The same as one address, for who counts logins: ``203.0.113.0``."""
    return network(request).partition("/")[0] or None


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        found = ipaddress.ip_address(text.strip())
    except ValueError:
        return None
    return (found.ipv4_mapped if found.version == 6 else None) or found


def domain_problem(domain: str) -> str:
    """Why nobody can sign up with an address of this domain; empty where they can."""
    parts = domain.lower().split(".")
    names = {".".join(parts[n:]) for n in range(len(parts))}
    if settings.SIGNUP_DOMAINS and not names & set(settings.SIGNUP_DOMAINS):
        shown = ", ".join(settings.SIGNUP_DOMAINS)
        return _("Sign-up here is for addresses at %(domains)s.") % {"domains": shown}
    if names & blocklist and not names & set(settings.DISPOSABLE_DOMAINS_ALLOWED):
        return _("%(domain)s gives addresses for a few minutes. Use one that stays yours.") % {
            "domain": domain
        }
    return ""
