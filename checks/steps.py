"""The steps of ``make test``, in order: what runs, where it is counted, how long it may take."""

import secrets
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REPORTS = ROOT / "var" / "checks"
BIN = Path(sys.executable).parent

PACKAGES = ["portal", "uploads", "sharing", "reminders", "keeping", "delivery", "dataplane", "agent/labcourier_agent"]
SCRIPTS = ["deploy", "checks", "demo", "peers", "bench", "tests"]
ROOMS = [  # what asks the database
    f"tests/{room}" for room in ("portal", "uploads", "sharing", "reminders", "keeping", "delivery")
]
SHARED = ["-n", "2", "--dist", "loadfile"]  # among two processes; the servers that a file starts are started once
ALONE = ["tests/dataplane", "tests/stores", "tests/agent", "tests/house", "tests/deploy"]  # what has none


@dataclass(frozen=True)
class Step:
    """One command. With ``report`` its tests are counted from that JUnit file, without one it counts as one test."""

    name: str
    command: list[str]
    env: dict[str, str] = field(default_factory=dict)
    report: Path | None = None
    seconds: int = 300


def lint_steps() -> list[Step]:
    """What reads the code and the configuration but runs no test."""
    return [
        Step("style", _tool("ruff", "check", ".")),
        Step("format", _tool("ruff", "format", "--check", ".")),
        Step("types", _tool("mypy", *PACKAGES, *SCRIPTS)),
        # Windows has no runner here: at least nothing of it is used that it has not.
        Step("types on Windows", _tool("mypy", "--platform", "win32", *_own_cache("win32"), "agent/labcourier_agent")),
        Step("types on macOS", _tool("mypy", "--platform", "darwin", *_own_cache("darwin"), "agent/labcourier_agent")),
        Step("imports between rooms", _tool("lint-imports", "--no-cache", "--no-logo")),
        Step("page templates", _tool("djlint", "--lint", "--quiet", "templates")),
        Step("deployment check", _manage("check", "--deploy", "--fail-level", "WARNING"), env=site_settings()),
        Step("migrations are complete", _manage("makemigrations", "--check", "--dry-run")),
        Step("settings page is current", _manage("settings_page", "--check")),
        Step(
            "docker-compose.yml",
            _tool("check-jsonschema", "--builtin-schema", "vendor.compose-spec", "docker-compose.yml"),
        ),
        Step(
            "Caddyfile",
            _tool("caddy", "validate", "--config", "deploy/Caddyfile", "--adapter", "caddyfile"),
            env={"LABCOURIER_URL": "https://portal.example.org", "XDG_DATA_HOME": str(REPORTS / "caddy")},
        ),
    ]


def test_steps(postgresql_url: str) -> list[Step]:
    """The test suites; those of the rooms run on both databases."""
    return [
        _pytest("unit tests, SQLite", "unit-sqlite", [*SHARED, *ALONE, *ROOMS]),
        _pytest(
            "unit tests, PostgreSQL",
            "unit-postgresql",
            [*SHARED, "-m", "not own_database", *ROOMS],
            {"LABCOURIER_DATABASE_URL": postgresql_url},
        ),
        _pytest("faults", "faults", [*SHARED, "tests/faults"]),
        _pytest("other clients and servers", "interop", ["tests/interop"]),
        _pytest("end to end", "e2e", ["tests/e2e"]),
        _pytest("browser", "browser", [*SHARED, "tests/browser"]),
    ]


def site_settings() -> dict[str, str]:
    """A complete production configuration, with secrets that are new each time."""
    settings = {
        "MODE": "site",
        "URL": "https://portal.example.org",
        "VAR": str(REPORTS / "site"),
        "SECRET_KEY": secrets.token_urlsafe(48),
        "LINK_KEYS": secrets.token_urlsafe(48),
        "DATABASE_URL": "postgres://labcourier:secret@localhost/labcourier",
        "BROKER_URL": "redis://localhost:6379/0",
        "CACHE_URL": "redis://localhost:6379/1",
        "EMAIL_URL": "smtp://localhost:25",
    }
    return {f"LABCOURIER_{name}": value for name, value in settings.items()}


def _tool(name: str, *arguments: str) -> list[str]:
    return [str(BIN / name), *arguments]


def _own_cache(platform: str) -> list[str]:
    return ["--cache-dir", f".mypy_cache/{platform}"]


def _manage(*arguments: str) -> list[str]:
    return [sys.executable, "manage.py", *arguments]


def _pytest(name: str, report: str, arguments: list[str], env: dict[str, str] | None = None) -> Step:
    junit = REPORTS / f"{report}.xml"
    command = [sys.executable, "-m", "pytest", "--quiet", "--color=no", f"--junitxml={junit}", *arguments]
    return Step(name, command, env=env or {}, report=junit, seconds=1800)
