"""A PostgreSQL that says “committed” of what lies in its memory alone, and forgets that when it ends at once."""

import os
import signal
from contextlib import suppress

import psycopg

from checks.postgresql import FORGETFUL, Server
from tests.sharing.handover import until

KEEPS_NOTHING = (FORGETFUL, "bgwriter_lru_maxpages=0", "autovacuum=off")  # nobody writes the log by the way


class Forgetful(Server):
    """Whoever would write its log to the disk is stopped, so that it is not a matter of luck what is lost. Only what
    asks for `synchronous_commit` stays, and what was committed before that."""

    @classmethod
    def instead_of(cls, honest: Server) -> "Forgetful":
        """To be started on the data of one that has ended."""
        return cls(honest.programs, honest.folder, honest.group, (*honest.options, *KEEPS_NOTHING))

    def start(self) -> None:
        super().start()
        until(self._log_writers)
        for writer in self._log_writers():
            os.kill(writer, signal.SIGSTOP)

    def crash(self) -> None:
        writers = self._log_writers()
        self.group.running["postgresql"].send_signal(signal.SIGQUIT)
        for writer in writers:
            with suppress(ProcessLookupError):  # on a busy machine the server was faster
                os.kill(writer, signal.SIGKILL)
        super().crash()

    def _log_writers(self) -> list[int]:
        with psycopg.connect(self.url) as connection:
            found = connection.execute("SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter'")
            return [int(pid) for (pid,) in found]
