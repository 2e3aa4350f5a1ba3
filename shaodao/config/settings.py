"""Settings by environment, with safe defaults: no DEBUG, no default secret, no default password.

DATABASE_URL           SQLite file under var/ unless given (postgresql://user@host/name)
SHAODAO_SECRET_KEY     signing key; without it a random one is made once and kept in var/secret_key (mode 600)
SHAODAO_HOSTS          comma-separated host names that are served (default: this machine only)
SHAODAO_ORIGIN         public address, e.g. https://city.example: links in messages, CSRF origin, secure cookies
SHAODAO_VAR            folder for database, uploads and outgoing files (default: var/ beside the program)
SHAODAO_EMAIL_URL      smtp://user:password@host:587 ; without it messages are written to files under var/mail
SHAODAO_MEASURE        "1" counts each answer's queries into the header X-Queries (benchmarks)
SHAODAO_REPORTS_PER_HOUR  reports that one browser may send in an hour without an account (default 10, 0: no limit)
SHAODAO_EVENTS_URL     address of the event stream behind a proxy, e.g. /events (default: its own port under shaodao run)
MQTT_URL               mqtt://user:password@host:1883/topic/prefix : positions by MQTT (docs/bikes.md; default: off)
SHAODAO_WEBHOOK_PRIVATE  "1" lets webhooks go to private addresses
SHAODAO_SMS_ADAPTER, SHAODAO_WECOM_ADAPTER  dotted path of the function that sends (default: files under var/outgoing)
SHAODAO_OIDC_ISSUER, _CLIENT_ID, _CLIENT_SECRET  single sign-on with an OpenID Connect provider (docs/operations.md)
SHAODAO_OIDC_LABEL, _CLAIM  words on its button; the claim that holds our user name (default preferred_username)
SHAODAO_DEBUG          "1" shows tracebacks; for developers only
"""

import os
import secrets
import tempfile
from pathlib import Path
from urllib.parse import unquote, urlparse

import dj_database_url
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "shaodao"
VAR = Path(os.environ.get("SHAODAO_VAR") or ROOT / "var")
VAR.mkdir(parents=True, exist_ok=True)


def _secret_key() -> str:
    given = os.environ.get("SHAODAO_SECRET_KEY")
    if given:
        return given
    kept = VAR / "secret_key"
    try:
        descriptor = os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return kept.read_text().strip()
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(64))
    return kept.read_text().strip()


SECRET_KEY = _secret_key()
DEBUG = os.environ.get("SHAODAO_DEBUG") == "1"
ORIGIN = os.environ.get("SHAODAO_ORIGIN", "http://127.0.0.1:8000").rstrip("/")
ALLOWED_HOSTS = [h for h in os.environ.get("SHAODAO_HOSTS", "127.0.0.1,localhost,[::1]").split(",") if h]
ORIGIN_HOST = urlparse(ORIGIN).hostname or ""
if ORIGIN_HOST and ORIGIN_HOST not in ALLOWED_HOSTS:
    ALLOWED_HOSTS.append(ORIGIN_HOST)
CSRF_TRUSTED_ORIGINS = [ORIGIN]
SECURE = ORIGIN.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = SECURE
SECURE_HSTS_SECONDS = 31_536_000 if SECURE else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if SECURE else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_AGE = 12 * 3600  # one shift
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_ENGINE = "django.contrib.sessions.backends.db"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "axes",
    "csp",
    "simple_history",
    "ninja",
    "shaodao.foundation",
    "shaodao.places",
    "shaodao.organisations",
    "shaodao.catalogue",
    "shaodao.cases",
    "shaodao.bikes",
    "shaodao.book",
    "shaodao.sanitation",
    "shaodao.portal",
    "shaodao.command",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "shaodao.foundation.basemap.BasemapPolicy",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]

if os.environ.get("SHAODAO_MEASURE") == "1":
    MIDDLEWARE.insert(0, "shaodao.config.measure.CountQueries")

ROOT_URLCONF = "shaodao.config.urls"
WSGI_APPLICATION = "shaodao.config.wsgi.application"
ASGI_APPLICATION = "shaodao.config.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [PACKAGE / "foundation" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": ["django.templatetags.i18n"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "shaodao.config.context.page",
            ],
        },
    }
]

DATABASE_URL = os.environ.get("DATABASE_URL") or f"sqlite:///{VAR / 'shaodao.sqlite3'}"
DATABASES = {"default": dj_database_url.parse(DATABASE_URL)}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # Kept open: to open costs nine statements, and the last connection that closes copies the log back into the file.
    DATABASES["default"]["CONN_MAX_AGE"] = None
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON; "
        "PRAGMA cache_size=-65536; PRAGMA mmap_size=268435456;",
    }
    # A file, since threads of a live server cannot share an in-memory database without table locks.
    DATABASES["default"]["TEST"] = {"NAME": Path(tempfile.gettempdir()) / f"shaodao-test-{os.getpid()}.sqlite3"}
else:
    DATABASES["default"]["CONN_MAX_AGE"] = 0
    DATABASES["default"]["OPTIONS"] = {"pool": {"min_size": 1, "max_size": 8, "timeout": 20}}
    DATABASES["default"]["TEST"] = {"NAME": f"test_shaodao_{os.getpid()}"}  # two runs do not meet
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
    "limits": {  # shared by the web processes, so that a limit is one limit
        "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
        "LOCATION": VAR / "limits",
        "OPTIONS": {"MAX_ENTRIES": 3000},
    },
}
MQTT_URL = os.environ.get("MQTT_URL", "").strip()
REPORTS_PER_HOUR = int(os.environ.get("SHAODAO_REPORTS_PER_HOUR", "10"))

AUTH_USER_MODEL = "organisations.Person"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "work"
LOGOUT_REDIRECT_URL = "home"
AXES_FAILURE_LIMIT = 6
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_LOCKOUT_TEMPLATE = "registration/locked.html"
AXES_RESET_ON_SUCCESS = True
AXES_SENSITIVE_PARAMETERS = ["password", "old_password", "new_password1", "new_password2", "code", "credential"]
AXES_CLIENT_IP_CALLABLE = "shaodao.organisations.auth.address_of"


def _oidc() -> dict[str, str]:
    """Single sign-on, where it is configured: all of it, and over https (or this machine)."""
    issuer = os.environ.get("SHAODAO_OIDC_ISSUER", "").strip().rstrip("/")
    if not issuer:
        return {}
    found = {
        "issuer": issuer,
        "client_id": os.environ.get("SHAODAO_OIDC_CLIENT_ID", ""),
        "client_secret": os.environ.get("SHAODAO_OIDC_CLIENT_SECRET", ""),
        "label": os.environ.get("SHAODAO_OIDC_LABEL", ""),
        "claim": os.environ.get("SHAODAO_OIDC_CLAIM") or "preferred_username",
    }
    at = urlparse(issuer)
    if at.scheme != "https" and (at.scheme, at.hostname) not in {("http", "127.0.0.1"), ("http", "localhost")}:
        raise ImproperlyConfigured("SHAODAO_OIDC_ISSUER must be an https address")
    if not (found["client_id"] and found["client_secret"]):
        raise ImproperlyConfigured("SHAODAO_OIDC_ISSUER needs SHAODAO_OIDC_CLIENT_ID and SHAODAO_OIDC_CLIENT_SECRET")
    return found


OIDC = _oidc()

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", _("简体中文")), ("en", _("英语"))]
USE_I18N = True
TIME_ZONE = "Asia/Shanghai"
USE_TZ = True
FORMAT_MODULE_PATH = "shaodao.config.formats"

STATIC_URL = "static/"
STATIC_ROOT = VAR / "static"
STATIC_ROOT.mkdir(exist_ok=True)  # filled by `shaodao run`
STATICFILES_DIRS = [PACKAGE / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True  # the build names its files by their content and lays .br and .gz beside them
WHITENOISE_MAX_AGE = 3600


def WHITENOISE_IMMUTABLE_FILE_TEST(path: str, url: str) -> bool:
    """Vite's file names carry the hash of their content."""
    return "/build/assets/" in url


MEDIA_ROOT = VAR / "media"
POSITIONS_ROOT = VAR  # bikes: positions/ and trips/ in it; sanitation: tracks/
MEDIA_URL = "/media/"  # no view serves this tree as a whole; each file goes through a permission check
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
PHOTO_MAX_BYTES = 15 * 1024 * 1024
PHOTO_MAX_COUNT = 8

# The event stream: behind a proxy /events of the same address, else the process on a port of its own, else none.
EVENTS_URL = os.environ.get("SHAODAO_EVENTS_URL", "")
if not EVENTS_URL and os.environ.get("SHAODAO_EVENTS_PORT"):
    EVENTS_URL = f"{urlparse(ORIGIN).scheme}://{ORIGIN_HOST}:{os.environ['SHAODAO_EVENTS_PORT']}/events"
_events = urlparse(EVENTS_URL)

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "worker-src": [SELF, "blob:"],
        "connect-src": [SELF, *([_events.scheme + "://" + _events.netloc] if _events.netloc else [])],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}

DEFAULT_FROM_EMAIL = os.environ.get("SHAODAO_FROM_EMAIL", "shaodao@localhost")
_mail = urlparse(os.environ.get("SHAODAO_EMAIL_URL", ""))
if _mail.scheme in {"smtp", "smtps"}:
    EMAIL_HOST, EMAIL_PORT = _mail.hostname, _mail.port or (465 if _mail.scheme == "smtps" else 587)
    EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = unquote(_mail.username or ""), unquote(_mail.password or "")
    EMAIL_USE_SSL, EMAIL_USE_TLS = _mail.scheme == "smtps", _mail.scheme == "smtp"
else:
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = VAR / "mail"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": os.environ.get("SHAODAO_LOG", "WARNING")},
    "loggers": {"axes": {"level": "ERROR"}},
}
