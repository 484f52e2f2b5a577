"""Django's SQLite, in which the threads of a process begin to write one after the other.

SQLite lets whoever finds the database locked look again, each time after a longer sleep. With hundreds of threads that
want to write at once (a thousand downloads that begin together) most of the time all of them sleep: 20 transactions a
second instead of several hundred, and after 20 seconds errors. So only one thread of a process asks at a time.
"""

import os
from threading import Lock

from django.db import OperationalError
from django.db.backends.sqlite3 import base

_USUAL_TIMEOUT = 5.0  # seconds, as SQLite's driver has it

_turn = Lock()


class DatabaseWrapper(base.DatabaseWrapper):
    def _start_transaction_under_autocommit(self) -> None:
        """Raises OperationalError when the turn does not come within the database's timeout."""
        turn = _turn
        if not turn.acquire(timeout=self.settings_dict["OPTIONS"].get("timeout", _USUAL_TIMEOUT)):
            raise OperationalError("database is locked")
        try:
            super()._start_transaction_under_autocommit()  # type: ignore[misc]  # the stubs leave it out
        finally:
            turn.release()


def _renew() -> None:
    """In a child: the thread that had the turn stayed with its parent."""
    global _turn  # noqa: PLW0603  (that is what it is for)
    _turn = Lock()


os.register_at_fork(after_in_child=_renew)
