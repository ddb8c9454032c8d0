"""Settings of the portal: read from the environment, every default safe for a first run on one machine."""

import base64
import sqlite3
import sys
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from kombu import Queue

from flexportal import env

BASE_DIR = Path(__file__).resolve().parent.parent

# --- what kind of installation this is ---------------------------------------------------------------------

ENVIRONMENT = env.text("FLEXPORTAL_ENV", "demo")
if ENVIRONMENT not in ("demo", "production"):
    raise ImproperlyConfigured(f"FLEXPORTAL_ENV is {ENVIRONMENT!r}; write demo or production.")
PRODUCTION = ENVIRONMENT == "production"
DEBUG = env.flag("DEBUG")
STATE_DIR = BASE_DIR / env.text("STATE_DIR", "var")
LOCAL_MARKET = env.flag("FLEXPORTAL_LOCAL_MARKET")
PUBLIC_URL = env.text("PUBLIC_URL", "http://127.0.0.1:8000")
MESSAGES_PER_MINUTE = env.number("MESSAGES_PER_MINUTE", 6000)
TRUSTED_PROXIES = env.number("TRUSTED_PROXIES", 0)
LEASE_SECONDS = env.number("LEASE_SECONDS", 45)  # more than an attempt takes: two redirects, three time-outs
WORKER_NICE = env.number("WORKER_NICE", 5)  # behind the web server, where both share a processor
BEAT_IN_WORKER = env.flag("BEAT_IN_WORKER")
HEALTH_TOKEN = env.secret("HEALTH_TOKEN")
CRASH_AT = env.text("CRASH_AT")
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", "" if PRODUCTION else "localhost,127.0.0.1,[::1]")
if PRODUCTION and DEBUG:
    raise ImproperlyConfigured("DEBUG shows secrets to strangers; production does not start with it.")
if PRODUCTION and CRASH_AT:
    raise ImproperlyConfigured("CRASH_AT lets the portal die, for tests; production does not start with it.")
if PRODUCTION and not ALLOWED_HOSTS:
    raise ImproperlyConfigured("ALLOWED_HOSTS is empty; production needs the names that it answers to.")


def _secret(name: str, file: str) -> str:
    """The secret from the environment; only a demo makes one for itself, and production never takes that."""
    value = env.secret(name)
    if PRODUCTION and not value:
        raise ImproperlyConfigured(f"{name} is not set; production needs it, or {name}_FILE.")
    if PRODUCTION and env.DEMO in value:
        raise ImproperlyConfigured(f"{name} is the one of a demo; production needs its own.")
    return value or env.kept(STATE_DIR / file)


def _master_keys(listed: str) -> list[str]:
    """Keys that encrypt the private signing keys at rest: the first encrypts, each of them decrypts."""
    keys = [key.strip().removeprefix(env.DEMO) for key in listed.split(",")]
    try:
        sizes = {len(base64.b64decode(key, validate=True)) for key in keys}
    except ValueError:
        sizes = set()
    if sizes != {32}:
        raise ImproperlyConfigured("FLEXPORTAL_MASTER_KEY: write base64 of 32 bytes, a comma between keys.")
    return keys


SECRET_KEY = _secret("SECRET_KEY", "secret_key")
SECRET_KEY_FALLBACKS = env.words("SECRET_KEY_FALLBACKS")
MASTER_KEYS = _master_keys(_secret("FLEXPORTAL_MASTER_KEY", "master_key"))

# --- the app -----------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "flexportal",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "offers",
    "django.contrib.admin.apps.SimpleAdminConfig",  # the URLs load it: a worker has no use for it
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.forms",
    "django_filters",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
]
MIDDLEWARE = [
    "flexportal.middleware.client_address",
    "flexportal.middleware.headers",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "flexportal.middleware.door",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "flexportal.sessions.lifetime",
    "allauth.account.middleware.AccountMiddleware",
    "flexportal.sessions.SecondFactor",
]
ROOT_URLCONF = "flexportal.urls"
WSGI_APPLICATION = "flexportal.wsgi.application"
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
            ]
        },
    }
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = "en-gb"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
DATA_UPLOAD_MAX_MEMORY_SIZE = 4 * 1024 * 1024

# --- database and cache ------------------------------------------------------------------------------------


def _sqlite(entry: dict[str, Any]) -> dict[str, Any]:
    """One writer at a time that waits its turn; WAL only where its reset bug is mended (SQLite 3.51.3)."""
    journal = "WAL" if sqlite3.sqlite_version_info >= (3, 51, 3) else "TRUNCATE"
    pragmas = f"PRAGMA journal_mode={journal}; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
    options = {"timeout": 20, "transaction_mode": "IMMEDIATE", "init_command": pragmas}
    return {**entry, "NAME": BASE_DIR / entry["NAME"], "OPTIONS": options}


def _postgresql(entry: dict[str, Any]) -> dict[str, Any]:
    """A transaction that was forgotten open blocks everybody: the server ends it after half a minute.

    No question of ours is worth a compiler or a second process, which cost more than its answer does.
    """
    given = ("idle_in_transaction_session_timeout=30000", "jit=off", "max_parallel_workers_per_gather=0")
    # Values go beside their statement: so it can be prepared, which a worker does (celery.py).
    told = " ".join(f"-c {one}" for one in given)
    options = {"connect_timeout": 5, "server_side_binding": True, "options": told}
    return {
        **entry,
        "OPTIONS": options | entry["OPTIONS"],
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
    }


def _database(entry: dict[str, Any]) -> dict[str, Any]:
    return _sqlite(entry) if entry["ENGINE"].endswith("sqlite3") else _postgresql(entry)


REDIS_URL = env.text("REDIS_URL")
DATABASES = {"default": _database(env.database("DATABASE_URL", f"sqlite:///{STATE_DIR}/db.sqlite3"))}
CACHE_SERVER: dict[str, Any] = {
    "BACKEND": "django.core.cache.backends.redis.RedisCache",
    "KEY_PREFIX": "flexportal",
    "OPTIONS": {"socket_timeout": 0.5, "socket_connect_timeout": 0.5},  # people wait for it
}
CACHE_IN_PROCESS = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
CACHES = {"default": {**CACHE_SERVER, "LOCATION": REDIS_URL} if REDIS_URL else CACHE_IN_PROCESS}

# Browsers send such a cookie to this host over https only, and take it from nobody else.
COOKIE_PREFIX = "__Host-" if PRODUCTION else ""

# --- people ------------------------------------------------------------------------------------------------

REQUIRE_MFA = env.flag("REQUIRE_MFA", PRODUCTION)  # for all who may do more than look
LOGIN_TRIES = env.number("LOGIN_TRIES", 10)
LOGIN_TRIES_PER_ADDRESS = env.number("LOGIN_TRIES_PER_ADDRESS", 100)
SESSION_IDLE_MINUTES = env.number("SESSION_IDLE_MINUTES", 30)
SESSION_COOKIE_AGE = 12 * 60 * 60  # a working day
SESSION_COOKIE_NAME = f"{COOKIE_PREFIX}flexportal_session"
CSRF_COOKIE_NAME = f"{COOKIE_PREFIX}flexportal_csrf"
LOGIN_URL = "/login/"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/login/"
ACCOUNT_ADAPTER = "flexportal.people.AccountAdapter"
ACCOUNT_FORMS = {
    "login": "flexportal.people.LoginForm",
    "reauthenticate": "flexportal.people.ConfirmForm",
    "change_password": "flexportal.people.ChangePasswordForm",
}
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_RATE_LIMITS = False  # allauth's count in the cache and are not atomic; ours are in flexportal.people
ACCOUNT_SESSION_REMEMBER = True
MFA_ADAPTER = "flexportal.people.MFAAdapter"
MFA_FORMS = {
    "authenticate": "flexportal.people.CodeForm",
    "reauthenticate": "flexportal.people.ConfirmByCodeForm",
    "activate_totp": "flexportal.people.SetUpForm",
}
MFA_TOTP_ISSUER = "Flexportal"
MFA_TOTP_TOLERANCE = 1  # a clock may be half a minute off
MFA_RECOVERY_CODES_SHOW_ONCE = True
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]

# --- the wire ----------------------------------------------------------------------------------------------

CONTENT_SECURITY_POLICY = {
    "default-src": "'self'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data: blob:",
    "connect-src": "'self'",
    "form-action": "'self'",
    "object-src": "'none'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}
PERMISSIONS_POLICY = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"
CSRF_COOKIE_HTTPONLY = True  # scripts take the token from the page
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = PRODUCTION
SECURE_REDIRECT_EXEMPT = ["^health/"]
SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60 if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = PRODUCTION

# --- static files ------------------------------------------------------------------------------------------

STATIC_URL = "static/"
STATIC_ROOT = STATE_DIR / "static"
MEDIA_URL = "media/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "flexportal.static.NodeModulesFinder",
]
NODE_MODULES = {
    "vendor/htmx.min.js": BASE_DIR / "node_modules/htmx.org/dist/htmx.min.js",
    "vendor/plotly-basic.min.js": BASE_DIR / "node_modules/plotly.js-basic-dist-min/plotly-basic.min.js",
}
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": (
            "flexportal.static.ManifestStorage"
            if PRODUCTION
            else "django.contrib.staticfiles.storage.StaticFilesStorage"
        )
    },
}
WHITENOISE_USE_FINDERS = not PRODUCTION
WHITENOISE_AUTOREFRESH = DEBUG

# --- the API -----------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "offers.api.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["offers.api.parsing.StrictJSONParser"],
    "DEFAULT_FILTER_BACKENDS": ["offers.api.filters.StrictFilters"],
    "DEFAULT_PAGINATION_CLASS": "offers.api.paging.ByCursor",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_THROTTLE_CLASSES": ["offers.api.throttling.ReadThrottle", "offers.api.throttling.ActThrottle"],
    "DEFAULT_THROTTLE_RATES": {
        "read": env.text("API_READ_RATE", "1200/min"),
        "act": env.text("API_ACT_RATE", "300/min"),
    },
    "DEFAULT_METADATA_CLASS": None,
    "EXCEPTION_HANDLER": "offers.api.errors.handle",
    "COERCE_DECIMAL_TO_STRING": True,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Flexportal",
    "DESCRIPTION": (
        "Everything that the desk does, for programs: the same rules, rights, sentences. Power is in whole "
        "watts (minus = less consumption or more production), amounts and factors are strings, instants have "
        "an offset. A token acts for one participant. Lists are cut by cursor: follow `next`."
    ),
    "VERSION": "1",
    "LICENSE": {"name": "Apache-2.0"},
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "ENUM_NAME_OVERRIDES": {
        "RedispatchBy": "offers.models.market.REDISPATCH",
        "RequestState": "offers.domain.RequestState",
        "OfferState": "offers.domain.OfferState",
        "OrderState": "offers.domain.OrderState",
        "MessageState": "offers.models.MessageState",
        "Direction": "offers.models.Direction",
        "Role": "offers.models.Role",
        "Right": "offers.models.Right",
    },
}

# --- background work: the tasks carry nothing, the rows say what is due ------------------------------------

CELERY_BROKER_URL = REDIS_URL or "atomicfs://localhost"
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = (
    {
        "socket_connect_timeout": 2,
        "socket_timeout": 30,
        "socket_keepalive": True,
        "health_check_interval": 25,
        "global_keyprefix": "flexportal.",
    }
    if REDIS_URL
    else {"folder": str(STATE_DIR / "broker")}
)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_TASK_QUEUES = [Queue("celery", no_ack=True)]  # a ring may be lost: rings.py
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_TIME_LIMIT = 120
CELERY_WORKER_POOL = "threads"
CELERY_WORKER_CONCURRENCY = 8
CELERY_DB_REUSE_MAX = sys.maxsize  # connections last as long as those of requests: celery.py sees to it
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_TIMEZONE = "UTC"
CELERY_ENABLE_UTC = True
CELERY_BEAT_SCHEDULE_FILENAME = str(STATE_DIR / "beat-schedule")
CELERY_BEAT_SCHEDULE = {
    "process the inbox": {"task": "offers.tasks.process_inbox", "schedule": 5.0},
    "deliver what is due": {"task": "offers.tasks.deliver_due", "schedule": 5.0},
    "expire what is over": {"task": "offers.tasks.expire_due", "schedule": 5.0},
}

# --- logs --------------------------------------------------------------------------------------------------

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {"()": "flexportal.logs.JSONFormatter"},
        "plain": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"},
    },
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": "json" if PRODUCTION else "plain"},
    },
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {
        "django": {"handlers": [], "propagate": True},
        "django.server": {"handlers": [], "propagate": True},
        # A line for each ring of the bell would hide the others.
        "celery.app.trace": {"level": "WARNING"},
        "celery.beat": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
    },
}
