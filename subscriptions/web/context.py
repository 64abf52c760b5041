from django.conf import settings
from django.http import HttpRequest


def site(request: HttpRequest) -> dict[str, str]:
    """Where this site is, for addresses that are read elsewhere."""
    return {"site_url": settings.SITE_URL}
