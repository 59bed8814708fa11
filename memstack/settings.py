"""All settings, from the environment; docs/configuration.md lists them."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from redis.backoff import NoBackoff
from redis.retry import Retry

from memstack import logs, secret_key

env = environ.Env()
BASE_DIR = Path(__file__).resolve().parent.parent


def integer(name: str, default: int) -> int:
    value = os.environ.get(name) or str(default)
    if not value.isascii() or not value.isdigit():
        raise ImproperlyConfigured(f"{name} must be a whole number, not {value!r}.")
    return int(value)


def choice(name: str, default: str, *allowed: str) -> str:
    value = os.environ.get(name) or default
    if value not in allowed:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(allowed)}, not {value!r}.")
    return value


def unix_socket_path(folder: Path) -> Path:
    """The broker's socket in `folder`, or in the temporary folder where that path is over the kernel's 107 bytes."""
    path = folder / "valkey.sock"
    if len(os.fsencode(path)) <= 107:
        return path
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"memstack-{os.getuid()}-{digest}" / "valkey.sock"


def made_folder(folder: Path) -> Path:
    """The folder, made when it is not there; ImproperlyConfigured when that can't be done."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ImproperlyConfigured(
            f"The data folder {MEMSTACK_DATA_DIR} can't be written to ({error.strerror}); give this user the right to, "
            "or set MEMSTACK_DATA_DIR to another folder."
        ) from error
    return folder


# --- the machine
MEMSTACK_ENV = choice("MEMSTACK_ENV", "development", "development", "production")
MEMSTACK_HOST = os.environ.get("MEMSTACK_HOST") or "127.0.0.1"
MEMSTACK_PORT = integer("MEMSTACK_PORT", 8000)
MEMSTACK_DATA_DIR = Path(os.environ.get("MEMSTACK_DATA_DIR") or BASE_DIR / "var").resolve()
MEMSTACK_WORKERS = integer("MEMSTACK_WORKERS", max(1, min(os.cpu_count() or 1, 8)))
MEMSTACK_KEEP_TASKS_DAYS = integer("MEMSTACK_KEEP_TASKS_DAYS", 30)
MEMSTACK_STREAMS = choice("MEMSTACK_STREAMS", "on", "on", "off") == "on"
PRODUCTION = MEMSTACK_ENV == "production"
made_folder(MEMSTACK_DATA_DIR)
STATIC_ROOT = made_folder(MEMSTACK_DATA_DIR / "static")  # WhiteNoise warns when it is missing; the finders serve

# --- Django
DEBUG = choice("MEMSTACK_DEBUG", "off", "on", "off") == "on"
SECRET_KEY = os.environ.get("SECRET_KEY", "")
if not SECRET_KEY:
    if PRODUCTION:
        raise ImproperlyConfigured("SECRET_KEY must be set when MEMSTACK_ENV=production: 50 random characters or more.")
    SECRET_KEY = secret_key.load_or_create(MEMSTACK_DATA_DIR / "secret_key")
ALLOWED_HOSTS = env.list("MEMSTACK_ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]", MEMSTACK_HOST])
CSRF_TRUSTED_ORIGINS = env.list("MEMSTACK_TRUSTED_ORIGINS", default=[])
ROOT_URLCONF = "memstack.urls"
ASGI_APPLICATION = "memstack.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "axes",
    "csp",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_eventstream",
    "memstack",
    "memories",
    "tasks_app",
]
MIDDLEWARE = [
    "memstack.middleware.Requests",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]
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
                "memstack.context.product",
            ]
        },
    }
]
LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "static/"
WHITENOISE_USE_FINDERS = True
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "projects"
LOGOUT_REDIRECT_URL = "login"
MAX_CONTENT_BYTES = 8 * 1024 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = 64 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1000
DATA_UPLOAD_MAX_NUMBER_FILES = 1000
MAX_UPLOAD_BYTES = integer("MEMSTACK_MAX_UPLOAD_MB", 100) * 1024 * 1024
MAX_FILE_BYTES = integer("MEMSTACK_MAX_FILE_MB", 500) * 1024 * 1024
FILE_UPLOAD_TEMP_DIR = made_folder(MEMSTACK_DATA_DIR / "uploads")  # beside the store, so that files are moved there

# --- recordings
MEMSTACK_SPEECH_THREADS = max(1, integer("MEMSTACK_SPEECH_THREADS", 1))

# --- database
DATABASE_URL = os.environ.get("DATABASE_URL", "")
DATABASE: dict[str, Any]
if DATABASE_URL:
    if DATABASE_URL.partition("://")[0] not in {"postgres", "postgresql", "psql", "pgsql"}:
        raise ImproperlyConfigured(
            "DATABASE_URL must name a PostgreSQL database, as postgres://user:password@host/name; unset it for SQLite, "
            "which MemStack keeps in its data folder (MEMSTACK_DATA_DIR)."
        )
    DATABASE = env.db_url("DATABASE_URL")
    DATABASE["HOST"] = unquote(DATABASE.get("HOST") or "")  # a socket's folder is written %2Frun%2Fpostgresql
    # a process that was stopped in the middle of a transaction must not keep its locks for ever
    DATABASE["OPTIONS"] = {
        "options": "-c idle_in_transaction_session_timeout=20s",
        **DATABASE.get("OPTIONS", {}),
        "connect_timeout": 5,
    }
else:
    DATABASE = {
        "ENGINE": "memstack.sqlite3",
        "NAME": MEMSTACK_DATA_DIR / "memstack.sqlite3",
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-32000; "
            "PRAGMA secure_delete=ON;",
        },
    }
DATABASES = {"default": DATABASE}
MEMSTACK_MIGRATE = choice("MEMSTACK_MIGRATE", "off" if PRODUCTION else "on", "on", "off") == "on"
MEMSTACK_MIGRATION_WAIT = integer("MEMSTACK_MIGRATION_WAIT", 600)  # seconds
MEMSTACK_LARGE_TABLE_ROWS = integer("MEMSTACK_LARGE_TABLE_ROWS", 100_000)

# --- broker and events
REDIS_URL = os.environ.get("REDIS_URL", "")
VALKEY_DIR = MEMSTACK_DATA_DIR / "valkey"
VALKEY_SOCKET = unix_socket_path(VALKEY_DIR)
CELERY_BROKER_URL = REDIS_URL or f"redis+socket://{VALKEY_SOCKET}"
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "ingest"
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_DISABLE_PREFETCH = True
CELERY_WORKER_CONCURRENCY = MEMSTACK_WORKERS
CELERY_WORKER_MAX_MEMORY_PER_CHILD = 1_200_000  # KiB; a warm child needs about 550 MB
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_timeout": 2, "socket_connect_timeout": 1, "health_check_interval": 5}


def eventstream_redis() -> dict[str, Any]:
    # redis-py would try three more times with pauses of seconds, while a task or a request waits
    limits = {"socket_timeout": 0.25, "socket_connect_timeout": 0.25, "retry": Retry(NoBackoff(), 0)}
    if not REDIS_URL:
        return {"unix_socket_path": str(VALKEY_SOCKET), **limits}
    parts = urlsplit(REDIS_URL)
    return {
        "host": parts.hostname or "localhost",
        "port": parts.port or 6379,
        "db": int(parts.path.strip("/") or 0),
        "username": parts.username,
        "password": parts.password,
        "ssl": parts.scheme == "rediss",
        **limits,
    }


EVENTSTREAM_REDIS = eventstream_redis()
EVENTSTREAM_STORAGE_CLASS = "tasks_app.events.TaskEventStorage"
EVENTSTREAM_CHANNELMANAGER_CLASS = "tasks_app.channels.MemberChannelManager"
MEMSTACK_MAX_STREAMS_PER_USER = integer("MEMSTACK_MAX_STREAMS_PER_USER", 2000)
MEMSTACK_MAX_STREAMS_PER_PROCESS = integer("MEMSTACK_MAX_STREAMS_PER_PROCESS", 5000)
MEMSTACK_MAX_PENDING_PER_PROJECT = integer("MEMSTACK_MAX_PENDING_PER_PROJECT", 20_000)

# --- fetching
MEMSTACK_PRIVATE_HOSTS = env.list("MEMSTACK_PRIVATE_HOSTS", default=[])
MEMSTACK_FETCH_PORTS = env.list("MEMSTACK_FETCH_PORTS", default=["80", "443"])
# --- language model
MEMSTACK_LLM_BASE_URL = os.environ.get("MEMSTACK_LLM_BASE_URL", "")
MEMSTACK_LLM_MODEL = os.environ.get("MEMSTACK_LLM_MODEL", "")
MEMSTACK_LLM_API_KEY = os.environ.get("MEMSTACK_LLM_API_KEY", "")
MEMSTACK_LLM_TIMEOUT = integer("MEMSTACK_LLM_TIMEOUT", 60)  # seconds
MEMSTACK_LLM_CONCURRENCY = integer("MEMSTACK_LLM_CONCURRENCY", 4)
MEMSTACK_LLM_TASK_TOKENS = integer("MEMSTACK_LLM_TASK_TOKENS", 500_000)
MEMSTACK_LLM_TASK_SECONDS = integer("MEMSTACK_LLM_TASK_SECONDS", 1800)

# --- API
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "memories.api.authentication.ApiKeyAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_PAGINATION_CLASS": "memories.api.pagination.NewestFirst",
    "EXCEPTION_HANDLER": "memories.api.problems.exception_handler",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "MemStack API",
    "DESCRIPTION": "Save memories, watch them become a graph of entities and dated facts, search the evidence.",
    "VERSION": "0.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "ENUM_NAME_OVERRIDES": {
        "TaskStatus": "tasks_app.models.Status",
        "TaskKind": "tasks_app.kinds.Kind",
        "MentionKind": "memories.models.Mention.Kind",
        "SearchKind": "memories.models.SearchDocument.KINDS",
        "TypeOrigin": "memories.models.SchemaType.Origin",
        "TypeState": "memories.models.SchemaType.State",
    },
}

# --- security
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_TEMPLATE = "registration/locked.html"
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "media-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        "worker-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PRODUCTION
if PRODUCTION:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 31_536_000

# --- logs and metrics
MEMSTACK_LOG_FORMAT = choice("MEMSTACK_LOG_FORMAT", "json" if PRODUCTION else "text", "text", "json")
MEMSTACK_METRICS_TOKEN = os.environ.get("MEMSTACK_METRICS_TOKEN", "")
LOGGING = logs.configuration(MEMSTACK_LOG_FORMAT, os.environ.get("MEMSTACK_LOG_LEVEL") or "INFO")
