"""Django's settings, derived from :mod:`portal.config`. What a site may choose is there; what we decided is here."""

import sys
from datetime import timedelta
from urllib.parse import parse_qs, unquote, urlsplit

import dj_database_url
from csp.constants import NONE, SELF

from portal.config import ROOT, load_config
from portal.local_secrets import local_secret

CONFIG = load_config()
SITE = CONFIG.mode == "site"
TESTING = "pytest" in sys.modules
BASE_DIR = ROOT
VAR = CONFIG.var
VAR.mkdir(parents=True, exist_ok=True)

# --- who we are -------------------------------------------------------------------------------------------------

PORTAL_URL = str(CONFIG.url).rstrip("/")
SECRET_KEY = CONFIG.secret_key or local_secret(VAR / "secrets", "secret_key")
SECRET_KEY_FALLBACKS = CONFIG.secret_key_fallbacks
LINK_KEYS = CONFIG.link_keys or [local_secret(VAR / "secrets", "link_key")]
DESTINATION_KEYS = CONFIG.destination_keys or [local_secret(VAR / "secrets", "destination_key")]
DESTINATION_HOSTS, DESTINATION_MOUNTS = CONFIG.destination_hosts, CONFIG.destination_mounts
HOOK_HOSTS, HOOK_DAYS = CONFIG.hook_hosts, CONFIG.hook_days
DEBUG = CONFIG.debug
ALLOWED_HOSTS = [str(CONFIG.url.host), *CONFIG.allowed_hosts]
if not SITE:
    ALLOWED_HOSTS += ["127.0.0.1", "localhost", "[::1]", "testserver"]
CSRF_TRUSTED_ORIGINS = [PORTAL_URL]
ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "portal.User"

INSTALLED_APPS = [
    "portal",
    "uploads",
    "sharing",
    "reminders",
    "keeping",
    "delivery",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.forms",
    "allauth",
    "allauth.account",
    "csp",
    "django_htmx",
    "django_structlog",
    "ninja",
]

MIDDLEWARE = [
    "portal.client_address.ClientAddressMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "portal.errors.ErrorMiddleware",
    "portal.time_zone.PersonTimeZoneMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "portal.page_context.site",
            ],
        },
    },
]

# --- rooms meet by name (see portal/queue.py, panels.py, verified.py, needs.py, figures.py) -----------------------

DATASET_PANELS: list[str] = [
    "uploads.panels.arrival",
    "delivery.panels.origin",
    "delivery.panels.deliveries",
    "keeping.panels.kept_until",
    "keeping.panels.kept_where",
    "sharing.panels.links_panel",
    "sharing.panels.receipts_panel",
]
DATASET_ROW_NOTES: list[str] = ["sharing.panels.fetched_notes"]
LINK_NOTES: list[str] = ["reminders.next_reminder.next_reminder"]
INSTRUMENT_STATES: list[str] = ["uploads.panels.instrument_states"]
HOME_NEEDS: list[str] = [
    "portal.heartbeats.silent_programs",
    "portal.needs.corrupt_files",
    "keeping.needs.damaged_in_storage",
    "keeping.needs.soon_deleted",
    "keeping.needs.nobody_told",
    "uploads.needs.silent_agents",
    "uploads.needs.stalled_uploads",
    "portal.needs.forgotten_open_datasets",
    "sharing.needs.more_time_asked_for",
    "sharing.needs.mails_not_delivered",
    "sharing.needs.links_ending_untaken",
]
STAFF_FIGURES: list[str] = [
    "portal.figures.datasets_today",
    "portal.figures.undelivered",
    "portal.figures.instruments_heard",
    "portal.figures.disk",
    "portal.heartbeats.program_figures",
    "keeping.figures.rereading",
    "keeping.figures.second_copies",
    "keeping.figures.deletions",
]
STORAGE_REPORT_SECTIONS: list[str] = [
    "portal.storage_stores.stores",
    "portal.storage_owners.by_project",
    "portal.storage_owners.by_instrument",
    "portal.storage_trouble.corrupt_files",
    "uploads.storage_report.stalled_uploads",
    "uploads.storage_report.silent_agents",
    "delivery.storage_report.undelivered",
    "keeping.storage_report.next_deletions",
    "keeping.storage_report.held",
]
DATA_ENDS: list[str] = ["keeping.data_ends.deletions"]
WHEN_VERIFIED: list[str] = ["portal.arriving.files_verified", "delivery.following.files_verified"]
MAILS = {
    "dataset-ready": "sharing.mails.dataset_ready",
    "dataset-released": "sharing.mails.dataset_released",
    "first-complete-download": "sharing.mails.first_complete_download",
    "download-complete": "sharing.mails.download_complete",
    "not-theirs": "sharing.mails.not_theirs",
    "more-time-asked": "sharing.mails.more_time_asked",
    "more-time-given": "sharing.mails.more_time_given",
    "more-time-refused": "sharing.mails.more_time_refused",
    "file-corrupt": "uploads.mails.file_corrupt",
    "agent-silent": "uploads.mails.agent_silent",
    "drop-link": "uploads.mails.drop_link",
    "drop-received": "uploads.mails.drop_received",
    "stored-damaged": "keeping.mails.stored_damaged",
    "deletion-warning": "keeping.mails.deletion_warning",
    "dataset-deleted": "keeping.mails.dataset_deleted",
    "push-done": "delivery.mails.push_ended",
    "push-failed": "delivery.mails.push_ended",
    "hook-stopped": "delivery.mails.hook_stopped",
    "copy-failed": "delivery.mails.copy_failed",
    "reminder": "reminders.mails.reminder",
    "reminder-copy": "reminders.mails.reminder_copy",
    "reminder-digest": "reminders.mails.reminder_digest",
    "downloads-digest": "portal.digests.digest",
    "invitation": "portal.mails.invitation",
    "password-reset": "portal.mails.password_reset",
    "password-changed": "portal.mails.password_changed",
    "no-account": "portal.mails.no_account",
    "storage-report": "portal.storage_mail.storage_report_mail",
    "mails-held": "portal.mails.mails_held",
}
# Nobody waits for these: they go last, and leave the others a part of a project's ceiling (portal/mail_ceilings.py).
MAILS_THAT_WAIT = {"reminder", "reminder-copy", "reminder-digest", "downloads-digest", "storage-report"}
MAIL_FACTS = {  # of those that go out by the thousand: portal/mail_facts.py
    "reminder": "reminders.services.still_due.links_of_mails",
    "reminder-copy": "reminders.services.still_due.links_of_mails",
}

# --- database, cache, broker --------------------------------------------------------------------------------------

EMBEDDED_SOCKET = VAR / "run" / "valkey.sock"
SQLITE_OPTIONS = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
}
DATABASES = {
    "default": dj_database_url.parse(CONFIG.database_url or f"sqlite:///{VAR / 'db.sqlite3'}", conn_max_age=60)
}
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["OPTIONS"] = SQLITE_OPTIONS
else:
    # To compile a query takes PostgreSQL a second, and no query of ours lasts as long: the reminders' sweep would have
    # each of its windows compiled anew, once there are statistics that call it dear.
    DATABASES["default"].setdefault("OPTIONS", {}).setdefault("options", "-c jit=off")

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": CONFIG.cache_url or f"unix://{EMBEDDED_SOCKET}?db=1",
        "OPTIONS": {"socket_connect_timeout": 1, "socket_timeout": 2},
    }
}

CELERY_BROKER_URL = CONFIG.broker_url or f"redis+socket://{EMBEDDED_SOCKET}?virtual_host=0"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 3600,
    "socket_connect_timeout": 1,
    "socket_timeout": 5,
    "max_retries": 0,
}
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_TIME_LIMIT = 3600
CELERY_TASK_SOFT_TIME_LIMIT = 3500
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_CONCURRENCY = CONFIG.worker_processes
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
CELERY_ENABLE_UTC = True
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR / "run" / "beat-schedule")
CELERY_BEAT_SCHEDULER = "portal.celery_heartbeats.BeatingScheduler"
CELERY_BEAT_SCHEDULE = {
    "verify received files": {"task": "uploads.tasks.sweep_task", "schedule": timedelta(minutes=1)},
    "expire unfinished uploads": {
        "task": "uploads.tasks.expire_uploads_task",
        "schedule": timedelta(minutes=10),
    },
    "remove older versions": {"task": "uploads.tasks.remove_older_versions_task", "schedule": timedelta(minutes=10)},
    "miss silent agents": {"task": "uploads.tasks.silent_agents_task", "schedule": timedelta(minutes=1)},
    "release and dispatch": {"task": "sharing.tasks.sweep_task", "schedule": timedelta(minutes=1)},
    "send mail": {"task": "portal.tasks.send_due_mail_task", "schedule": timedelta(seconds=20)},
    "read returned mail": {"task": "portal.tasks.read_returned_mail_task", "schedule": timedelta(minutes=5)},
    "measure storage": {"task": "portal.tasks.measure_storage_task", "schedule": timedelta(minutes=10)},
    "mail the storage report": {"task": "portal.tasks.storage_report_task", "schedule": timedelta(minutes=10)},
    "remind recipients": {"task": "reminders.tasks.remind_task", "schedule": timedelta(minutes=10)},
    "copy to second stores": {"task": "keeping.tasks.copy_task", "schedule": timedelta(minutes=1)},
    "push to destinations": {"task": "delivery.tasks.push_task", "schedule": timedelta(minutes=1)},
    "tell hooks": {"task": "delivery.tasks.hook_task", "schedule": timedelta(minutes=1)},
    "copy between projects": {"task": "delivery.tasks.sweep_copies_task", "schedule": timedelta(minutes=1)},
    "re-read stored files": {"task": "keeping.tasks.reread_task", "schedule": timedelta(hours=1)},
    "keep and delete datasets": {"task": "keeping.tasks.retention_task", "schedule": timedelta(minutes=1)},
    "remove deleted files": {"task": "keeping.tasks.purge_task", "schedule": timedelta(minutes=1)},
    "remove unfinished puts": {"task": "keeping.tasks.remove_unfinished_task", "schedule": timedelta(hours=6)},
    "forget old digests": {"task": "portal.tasks.forget_digests_task", "schedule": timedelta(hours=24)},
    "expire links": {"task": "reminders.tasks.expire_links_task", "schedule": timedelta(minutes=1)},
}

# --- files and uploads --------------------------------------------------------------------------------------------

FILES_ROOT = CONFIG.files or VAR / "files"
STAGING_ROOT = CONFIG.staging or VAR / "staging"
LAYOUTS_ROOT = VAR / "layouts"
LAYOUTS_ROOM = CONFIG.layouts_bytes
LIFESIGNS_ROOT = VAR / "run" / "alive"
STORES = CONFIG.stores
REREAD_DAYS = CONFIG.reread_days
STORAGE_REPORT = CONFIG.storage_report
MAX_FILE_BYTES = CONFIG.max_file_bytes
BUNDLE_THRESHOLD_BYTES = CONFIG.bundle_threshold_bytes
MIN_FREE_BYTES = CONFIG.min_free_bytes
UPLOAD_EXPIRY = timedelta(hours=CONFIG.upload_expiry_hours)
UPLOAD_IDLE_SECONDS = CONFIG.upload_idle_seconds
DATA_UPLOAD_MAX_MEMORY_SIZE = 4 * 2**20  # JSON and forms; uploads are streamed and never come this way

# --- mail ---------------------------------------------------------------------------------------------------------

_mail = urlsplit(CONFIG.email_url or (VAR / "mail").as_uri())
_mail_options = parse_qs(_mail.query)
EMAIL_BACKEND = {
    "file": "django.core.mail.backends.filebased.EmailBackend",
    "smtp": "portal.smtp.StagedEmailBackend",
    "smtps": "portal.smtp.StagedEmailBackend",
}[_mail.scheme]
EMAIL_FILE_PATH = unquote(_mail.path)
EMAIL_HOST, EMAIL_PORT = _mail.hostname or "localhost", _mail.port or (465 if _mail.scheme == "smtps" else 25)
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = unquote(_mail.username or ""), unquote(_mail.password or "")
EMAIL_USE_SSL = _mail.scheme == "smtps"
EMAIL_USE_TLS = _mail_options.get("tls") == ["1"]
EMAIL_TIMEOUT = 30
DEFAULT_FROM_EMAIL = SERVER_EMAIL = CONFIG.email_from
MAILS_A_DAY = CONFIG.mails_a_day
BOUNCE_ADDRESS = CONFIG.bounce_address or DEFAULT_FROM_EMAIL
BOUNCE_MAILBOX, BOUNCE_SECRET = CONFIG.bounce_mailbox, CONFIG.bounce_secret
SITE_NAME, SUPPORT_EMAIL = CONFIG.site_name, CONFIG.support_email

# --- log-in -------------------------------------------------------------------------------------------------------

AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
ACCOUNT_ADAPTER = "portal.account_adapter.InvitedOnlyAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"  # accounts are made by staff for addresses they know
ACCOUNT_SESSION_REMEMBER = None
ACCOUNT_LOGOUT_ON_GET = False
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"

# --- pages --------------------------------------------------------------------------------------------------------

LANGUAGE_CODE = "en-gb"
USE_I18N = False
USE_TZ = True
TIME_ZONE = CONFIG.timezone
STATIC_URL = "/static/"
STATIC_ROOT = VAR / "static"
STATICFILES_DIRS = [ROOT / "assets" / "dist"]
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": VAR / "media"},
    },
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if TESTING or DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = TESTING or DEBUG  # otherwise `collectstatic` has gathered them
FORM_RENDERER = "portal.form_renderer.PortalFormRenderer"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

# --- security -----------------------------------------------------------------------------------------------------

SECURE_SSL_REDIRECT = SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SITE
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_HSTS_SECONDS = 365 * 86400 if SITE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SITE
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_ENGINE = "django.contrib.sessions.backends.db"
X_FRAME_OPTIONS = "DENY"
TRUSTED_PROXIES = CONFIG.trusted_proxies
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "frame-src": [SELF],  # a mail on its page; all other pages refuse to be framed
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}

# --- logs ---------------------------------------------------------------------------------------------------------

LOG_LEVEL, LOG_JSON = CONFIG.log_level, CONFIG.log_json
LOGGING_CONFIG = "portal.logs.configure"
LOGGING: dict[str, object] = {"version": 1}  # Django calls the function above only if this is not empty
