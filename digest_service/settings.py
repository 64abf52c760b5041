"""Settings of Paper Round, all from the environment; docs/configuration.md lists them.

With nothing set: SQLite, tasks inline, one machine, mail printed to the terminal.
"""

import contextlib
import datetime as dt
import json
import os
import re
import secrets
import tempfile
import warnings
from pathlib import Path
from urllib.parse import urlsplit

import django_stubs_ext
import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from digest_service import limits

django_stubs_ext.monkeypatch()
env = environ.Env()
env.ENVIRON = {name: value for name, value in os.environ.items() if value}  # empty is unset
BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = Path(env.str("VAR_DIR", default=str(BASE_DIR / "var")))


def _kept_secret(name: str) -> str:
    """A random key made on first use and kept in ``VAR_DIR``, for a site on one machine."""
    path = VAR_DIR / name
    if not path.exists():
        VAR_DIR.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=VAR_DIR) as made:  # readable by its owner only
            made.write(secrets.token_urlsafe(48))
            made.flush()
            with contextlib.suppress(FileExistsError):  # another process was quicker
                os.link(made.name, path)
    if not (key := path.read_text().strip()):
        raise ImproperlyConfigured(f"{path} is empty; remove it, or put the key back.")
    return key


DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="") or _kept_secret("secret_key")
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
SUPPRESSION_KEY = env.str("SUPPRESSION_KEY", default="") or _kept_secret("suppression_key")
KEYS_FROM_ENVIRONMENT = bool(
    env.str("SECRET_KEY", default="") and env.str("SUPPRESSION_KEY", default="")
)

SITE_URL = env.str("SITE_URL", default="http://localhost:8000").rstrip("/")
SITE_HOST = urlsplit(SITE_URL).hostname or "localhost"
ALLOWED_HOSTS = [SITE_HOST, *env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1"])]
CSRF_TRUSTED_ORIGINS = [SITE_URL]
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SITE_URL.startswith("https:")
SECURE_HSTS_SECONDS = 31_536_000 if SITE_URL.startswith("https:") else 0
SECURE_REFERRER_POLICY = "same-origin"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

INSTALLED_APPS = [
    "subscriptions.apps.SubscriptionsConfig",
    "digest_service.apps.DeskConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.sitemaps",
    "django_htmx",
    "axes",
    "import_export",
    "anymail",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "digest_service.middleware.permissions_policy",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",  # pads its answers, against BREACH
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
_PASSWORDS = "django.contrib.auth.password_validation"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"{_PASSWORDS}.UserAttributeSimilarityValidator"},
    {"NAME": f"{_PASSWORDS}.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": f"{_PASSWORDS}.CommonPasswordValidator"},
    {"NAME": f"{_PASSWORDS}.NumericPasswordValidator"},
]
SESSION_COOKIE_AGE = 12 * 60 * 60  # of staff; a reader's session ends after an hour
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = dt.timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_CLIENT_IP_CALLABLE = "subscriptions.web.guards.network_address"
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False  # else a stranger locks out for good
AXES_LOCKOUT_CALLABLE = "subscriptions.admin.staff.locked_out"
AXES_SENSITIVE_PARAMETERS = ["username", "ip_address", "csrfmiddlewaretoken"]
AXES_VERBOSE = False  # who it was is in the database, not in the log
ROOT_URLCONF = "digest_service.urls"
WSGI_APPLICATION = "digest_service.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "subscriptions.web.context.site",
            ]
        },
    },
    {  # for text/plain mail, which must not be HTML-escaped
        "NAME": "text",
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {"autoescape": False},
    },
]

DATABASES = {
    "default": env.db_url("DATABASE_URL", default=f"sqlite:///{VAR_DIR}/paper-round.sqlite3")
}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 30,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
    }
else:
    DATABASES["default"] |= {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}

_MEMORY = "django.core.cache.backends.locmem.LocMemCache"
CACHES: dict[str, dict[str, object]] = {
    "default": {"BACKEND": _MEMORY},  # what topics find
    "pages": {"BACKEND": _MEMORY, "LOCATION": "pages", "OPTIONS": {"MAX_ENTRIES": 20}},
}

LANGUAGE_CODE = "en"
LOCALE_PATHS = [BASE_DIR / "subscriptions" / "locale"]
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "digest_service.static.HashedOnceCollected"},
}
WHITENOISE_USE_FINDERS = not STATIC_ROOT.is_dir()  # before collectstatic, as when trying it
warnings.filterwarnings("ignore", "No directory at")

env.EMAIL_SCHEMES |= {
    "amazon-ses": "anymail.backends.amazon_ses.EmailBackend",
    "mailgun": "anymail.backends.mailgun.EmailBackend",
    "postmark": "anymail.backends.postmark.EmailBackend",
    "sendgrid": "anymail.backends.sendgrid.EmailBackend",
}
try:
    _email = env.email_url("EMAIL_URL", default="consolemail://")
except (ImproperlyConfigured, ValueError):  # of another scheme; a port that is none
    raise ImproperlyConfigured(
        "EMAIL_URL is not like smtp+tls://user:password@mail.example.org:587, with the user and "
        f"password percent-encoded; it can begin with {', '.join(sorted(env.EMAIL_SCHEMES))}."
    ) from None
EMAIL_BACKEND = _email["EMAIL_BACKEND"]
EMAIL_HOST = _email["EMAIL_HOST"]
EMAIL_PORT = _email["EMAIL_PORT"]
EMAIL_HOST_USER = _email["EMAIL_HOST_USER"]
EMAIL_HOST_PASSWORD = _email["EMAIL_HOST_PASSWORD"]
EMAIL_USE_TLS = _email.get("EMAIL_USE_TLS", False)
EMAIL_USE_SSL = _email.get("EMAIL_USE_SSL", False)
EMAIL_FILE_PATH = _email.get("EMAIL_FILE_PATH")
EMAIL_TIMEOUT = 120  # the answer to a message may wait for a filter (RFC 5321 4.5.3.2.6)
_JSON = re.compile(r"true|false|[\[{].*", re.DOTALL)
ANYMAIL = {
    name.removeprefix("ANYMAIL_"): json.loads(value) if _JSON.fullmatch(value) else value
    for name, value in env.ENVIRON.items()
    if name.startswith("ANYMAIL_")
}
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default=f"Paper Round <digest@{SITE_HOST}>")
BOUNCE_ADDRESS = env.str("BOUNCE_ADDRESS", default="")
DKIM_DOMAIN = env.str("DKIM_DOMAIN", default="")  # see delivery/dkim_signing.py
DKIM_SELECTOR = env.str("DKIM_SELECTOR", default="")
DKIM_KEY = env.str("DKIM_KEY", default="", multiline=True)
DKIM_ED25519_SELECTOR = env.str("DKIM_ED25519_SELECTOR", default="")
DKIM_ED25519_KEY = env.str("DKIM_ED25519_KEY", default="", multiline=True)
INBOUND_SECRET = env.str("INBOUND_SECRET", default="")
IMAP_URL = env.str("IMAP_URL", default="")
POSTAL_ADDRESS = env.str("POSTAL_ADDRESS", default="")

REDIS_URL = env.str("REDIS_URL", default="")
CELERY_BROKER_URL = REDIS_URL or "memory://localhost"
CELERY_TASK_ALWAYS_EAGER = not REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 3600,
    "socket_timeout": 3,
    "socket_connect_timeout": 2,
}
CELERY_TASK_TIME_LIMIT = 1800  # longer than SHIFT and LEASE of digests/ledger.py
CELERY_WORKER_HIJACK_ROOT_LOGGER = False  # its lines would not be masked
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
TICK_SECONDS = env.int("TICK_SECONDS", default=60)
CELERY_BEAT_SCHEDULE = {
    "tick": {"task": "subscriptions.tasks.tick", "schedule": TICK_SECONDS},
}

SOURCES = env.list("SOURCES", default=["arxiv-oai:cs", "hf-daily"])  # see flows/schedule.py
ENCODER = env.str("ENCODER", default="default")  # see encoder.py

SIGNUP_DOMAINS = [name.lower() for name in env.list("SIGNUP_DOMAINS", default=[])]
DISPOSABLE_DOMAINS_ALLOWED = [
    name.lower() for name in env.list("DISPOSABLE_DOMAINS_ALLOWED", default=[])
]
PROOF_OF_WORK = env.bool("PROOF_OF_WORK", default=False)
ALTCHA_HMAC_KEY = SECRET_KEY

EDITIONS_NEED_APPROVAL = env.bool("EDITIONS_NEED_APPROVAL", default=False)
TWO_RELEASE_ABOVE = env.int("TWO_RELEASE_ABOVE", default=0)  # readers; 0: one editor is enough
DELIVERY_WINDOW = env.int("DELIVERY_WINDOW", default=20)
DELIVERY_RATE = env.float("DELIVERY_RATE", default=0.0)  # messages a second, all workers; 0: any
DELIVERY_CONNECTIONS = env.int("DELIVERY_CONNECTIONS", default=0)  # at once, all workers; 0: any
DOMAIN_LIMITS = limits.domain_limits(env.list("DOMAIN_LIMITS", default=[]))  # by UTC day
WARM_UP = limits.warm_up(env.str("WARM_UP", default=""))
BRAKE_COMPLAINTS = limits.share("BRAKE_COMPLAINTS", env.str("BRAKE_COMPLAINTS", default="0.003"))
BRAKE_BOUNCES = limits.share("BRAKE_BOUNCES", env.str("BRAKE_BOUNCES", default="0.05"))
BRAKE_REFUSALS = limits.share("BRAKE_REFUSALS", env.str("BRAKE_REFUSALS", default="0.1"))
BRAKE_LEAST = limits.count("BRAKE_LEAST", env.str("BRAKE_LEAST", default="100"), 1)  # messages
IN_DOUBT_POLICY = env.str("IN_DOUBT_POLICY", default="hold")
if IN_DOUBT_POLICY not in ("hold", "resend"):
    raise ImproperlyConfigured(f"IN_DOUBT_POLICY is {IN_DOUBT_POLICY!r}; it can be hold or resend.")
SOFT_BOUNCES, SOFT_BOUNCE_DAYS = limits.soft_bounces(
    env.str("SOFT_BOUNCES", default="4"), env.str("SOFT_BOUNCE_DAYS", default="30")
)

IMPORT_EXPORT_IMPORT_PERMISSION_CODE = "import"  # see admin/subscriber_files.py
IMPORT_EXPORT_EXPORT_PERMISSION_CODE = "export"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "subscriptions.masking.MaskingFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s: %(message)s",
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="WARNING")},
}
