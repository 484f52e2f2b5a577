"""A database to be swept: SQLite or PostgreSQL, migrated, with many links; and the portal's commands on it."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

from checks.postgresql import throwaway_postgresql
from portal.config import ROOT

DATABASES = ("SQLite", "PostgreSQL")


@dataclass(frozen=True)
class Swept:
    env: dict[str, str]

    def run(self, *arguments: str) -> str:
        """What a Python program said; ends the bench when it failed."""
        return subprocess.run(
            [sys.executable, *arguments], cwd=ROOT, env=self.env, check=True, stdout=subprocess.PIPE, text=True
        ).stdout

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        return subprocess.Popen([sys.executable, *arguments], cwd=ROOT, env=self.env, stdout=subprocess.PIPE, text=True)


def database_url(database: str) -> AbstractContextManager[str]:
    """Of a server that ends with the bench; empty for SQLite, which needs none."""
    return throwaway_postgresql() if database == "PostgreSQL" else nullcontext("")


@contextmanager
def swept(database: str, count: int, due: int, **settings: str) -> Iterator[Swept]:
    """``count`` links of which ``due`` want a reminder; nobody runs but whom the caller starts."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, database_url(database) as url:
        env = os.environ | {"LABCOURIER_VAR": folder, "LABCOURIER_BROKER_URL": "memory://"}
        env |= {"LABCOURIER_CACHE_URL": "redis://127.0.0.1:1/0", "LABCOURIER_LOG_LEVEL": "ERROR"}
        env |= {"DJANGO_SETTINGS_MODULE": "portal.settings", "LABCOURIER_DATABASE_URL": url, **settings}
        stage = Swept(env)
        stage.run("manage.py", "migrate", "--verbosity", "0")
        print(f"making {count:,} links in {database} ...", file=sys.stderr)
        stage.run("-m", "bench.many_links", str(count), str(due))
        yield stage
