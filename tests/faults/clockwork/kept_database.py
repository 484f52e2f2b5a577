"""The database as it was at a moment, beside the run-time folder. SQLite's lies in that folder and is kept with it."""

import psycopg
from django.db import connection


def keep_database(name: str) -> None:
    """Nobody may be connected to it."""
    if connection.vendor == "postgresql":
        _elsewhere(f'CREATE DATABASE "at-{name}" TEMPLATE "{_own_name()}"')


def restore_database(name: str) -> None:
    """Whoever still is connected, as somebody who was killed may seem to be, is put out."""
    if connection.vendor == "postgresql":
        _elsewhere(f'DROP DATABASE "{_own_name()}" WITH (FORCE)')
        _elsewhere(f'CREATE DATABASE "{_own_name()}" TEMPLATE "at-{name}"')


def _own_name() -> str:
    return str(connection.settings_dict["NAME"])


def _elsewhere(sql: str) -> None:
    """Done from another database of the same server."""
    server = connection.settings_dict
    with psycopg.connect(host=server["HOST"], user=server["USER"], dbname="postgres", autocommit=True) as administrator:
        administrator.execute(sql)
