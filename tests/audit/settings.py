"""The site's settings, but for static files that were collected for the audit alone."""

import os
from pathlib import Path

from digest_service.settings import *  # noqa: F403

STATIC_ROOT = Path(os.environ["AUDIT_STATIC_ROOT"])
WHITENOISE_USE_FINDERS = False
