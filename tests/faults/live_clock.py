"""Schedulers, workers and a web server in processes of their own, with a broker and a PostgreSQL that can be restarted.

The schedulers tick each second (`hurried.py`). Mail goes to a server that writes down what it took.
"""

import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from celery import Celery
from redis import Redis

from checks.postgresql import FAST, Server, throwaway_server
from deploy import broker
from deploy.program_group import ProgramGroup
from tests.faults.clockwork.outside import Outside, mails_in, outside
from tests.faults.forgetful import Forgetful
from tests.faults.live_portal import CHECKOUT, FACILITY, LivePortal, environment_of, manage
from tests.sharing.handover import until

CELERY = [sys.executable, "-m", "celery", "--quiet", "--app"]
QUIET = ["--loglevel", "WARNING", "--without-gossip", "--without-mingle", "--without-heartbeat"]
ONE_LINK = """
from datetime import timedelta
from django.utils import timezone
from portal.link_tokens import current_key_id
from portal.models import Dataset
from sharing.models import ShareLink
now = timezone.now()
dataset = Dataset.objects.create(
    project=project, client_key="1", sender="upload_token:1", sent_by="Ada", name="session", title="Session",
    revision=1, state="released", closed_at=now, released_at=now, dispatched_at=now,
)
ShareLink.objects.create(
    key_id=current_key_id(), dataset=dataset, recipient="template@x.example", occasion="x", revoked_at=now,
    starts_at=now - timedelta(days=8), expires_at=now + timedelta(days=20),
)
"""
MORE_LINKS = """
    INSERT INTO sharing_sharelink ({columns}, public_id, recipient, occasion, revoked_at)
    SELECT {columns}, left(md5(%(kind)s || number), 22), %(kind)s || '-' || number || '@x.example', %(kind)s, NULL
    FROM sharing_sharelink, generate_series(1, %(count)s) AS number WHERE recipient = 'template@x.example'
"""
INSERTS_WAIT = """
    CREATE OR REPLACE FUNCTION wait_for_lock() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_advisory_xact_lock_shared(1); RETURN NULL; END $$;
    CREATE OR REPLACE TRIGGER inserts_wait BEFORE INSERT ON portal_notice EXECUTE FUNCTION wait_for_lock()
"""


@dataclass
class LiveClock:
    portal: LivePortal
    database: Server
    programs: ProgramGroup
    world: Outside

    def ask(self, sql: str, **values: object) -> list[tuple[object, ...]]:
        """Past the portal; committed, also by a database that else forgets."""
        with psycopg.connect(self.database.url, autocommit=True, options="-c synchronous_commit=on") as connection:
            cursor = connection.execute(sql, values)
            return cursor.fetchall() if cursor.description else []

    def share(self, kind: str, count: int) -> None:
        """As many links, each due a reminder, for recipients whose addresses begin with `kind`."""
        own = ("id", "public_id", "recipient", "occasion", "revoked_at")
        every = "SELECT column_name FROM information_schema.columns WHERE table_name = 'sharing_sharelink'"
        columns = ", ".join(str(name) for (name,) in self.ask(every) if name not in own)
        self.ask(MORE_LINKS.format(columns=columns), kind=kind, count=count)

    def states(self, kind: str) -> dict[object, int]:
        """How many mails to these recipients are in which state."""
        rows = self.ask('SELECT state FROM portal_notice WHERE "to" LIKE %(kind)s', kind=f"{kind}-%")
        return Counter(state for (state,) in rows)

    def arrived(self, kind: str) -> Counter[str]:
        """How often each of these recipients was written to."""
        return Counter(to for _, to in mails_in(self.world.folder) if to.startswith(f"{kind}-"))

    def wait_until_sent(self, kind: str, count: int, seconds: float = 300) -> float:
        """Seconds until each of these mails was sent, and no more came while the schedulers ticked on."""
        began = time.monotonic()
        until(lambda: self.states(kind).get("sent", 0) >= count, seconds)
        took = time.monotonic() - began
        time.sleep(2)
        return took

    @contextmanager
    def outbox_locked(self, waiting: int) -> Iterator[None]:
        """Nothing is queued in it until so many workers wait at once to queue what they have decided on before.

        Only who inserts waits: a lock on the table would stop those as well who look for abandoned mails, and with
        three of four workers at that, two could never meet.
        """
        queueing = (
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'advisory' AND query LIKE %(insert)s AND"
            " datname = current_database()"
        )
        self.ask(INSERTS_WAIT)  # before the lock: it waits itself for those who insert
        with psycopg.connect(self.database.url) as connection:
            connection.execute("SELECT pg_advisory_xact_lock(1)")
            yield
            until(lambda: self.ask(queueing, insert='INSERT INTO "portal_notice"%') >= [(waiting,)])

    @contextmanager
    def nobody_ticks(self) -> Iterator[None]:
        """The schedulers stand still, and what they called for is done."""
        schedulers = [program for name, program in self.programs.running.items() if name.startswith("beat")]
        for scheduler in schedulers:
            scheduler.send_signal(signal.SIGSTOP)
        try:
            self.wait_until_quiet()
            yield
        finally:
            for scheduler in schedulers:
                scheduler.send_signal(signal.SIGCONT)

    def wait_until_quiet(self) -> None:
        """Until the workers have done all that they were called for. A worker that takes a call has it for a moment
        before it says so: hence several looks in a row."""
        with Redis(unix_socket_path=str(broker.socket_path(self.portal.var))) as calls:
            until(lambda: all(_none_wait(calls) for _ in range(10)))

    def call(self, task: str) -> None:
        """Of the workers one takes it, as soon as they are there."""
        with Celery(broker=_broker_url(self.portal.var), set_as_current=False) as caller:
            caller.send_task(task)

    @contextmanager
    def forgetful_database(self) -> Iterator[None]:
        """What it says is committed is lost when it ends at once, but for what was asked past the portal."""
        honest = self.database
        honest.crash()
        self.database = forgetful = Forgetful.instead_of(honest)
        forgetful.start()
        try:
            yield
        finally:
            forgetful.crash()
            self.database = honest
            honest.start()

    def start_broker(self) -> None:
        self.programs.start("broker", [sys.executable, "-m", "deploy.broker"])
        self.programs.wait_until("broker", lambda: broker.answers(self.portal.var), 90)

    def flush_broker(self) -> None:
        """It ends at once and has forgotten everything; `start_broker` starts it again."""
        server = self.programs.running.pop("broker")
        server.kill()
        server.wait()
        shutil.rmtree(self.portal.var / "broker")


@contextmanager
def live_clock(var: Path, *, schedulers: int, workers: int) -> Iterator[LiveClock]:
    """Two workers a program. Everything has ended when the block ends."""
    with ExitStack() as running:
        database = running.enter_context(throwaway_server(*FAST))
        world = running.enter_context(outside(var.with_name("outside")))
        settings: dict[str, object] = world.settings() | {
            "mails_a_day": 0,  # a campaign sends more than a project may on a day
            "database_url": database.url,
            "broker_url": _broker_url(var),
            "cache_url": f"unix://{broker.socket_path(var)}?db=1",
            "log_level": "WARNING",
        }
        environment = environment_of(var, **settings)
        secret = _tables_and_facility(environment)
        programs = ProgramGroup(env=environment, cwd=CHECKOUT, log_folder=var / "log")
        running.callback(_kill, programs)
        clock = LiveClock(LivePortal(var, secret, settings=settings), database, programs, world)
        clock.start_broker()
        for number in range(schedulers):
            own = ["--pidfile=", "--schedule", str(var / f"beat-{number}")]
            programs.start(f"beat {number}", [*CELERY, "tests.faults.hurried", "beat", "--loglevel", "WARNING", *own])
        for number in range(workers // 2):
            programs.start(f"worker {number}", [*CELERY, "portal", "worker", "--concurrency", "2", *QUIET])
        running.callback(clock.portal.stop)
        clock.portal.start()
        yield clock


def _broker_url(var: Path) -> str:
    return f"redis+socket://{broker.socket_path(var)}?virtual_host=0"


def _none_wait(calls: Redis) -> bool:
    time.sleep(0.05)
    return not calls.llen("celery") and not calls.hlen("unacked")


def _kill(programs: ProgramGroup) -> None:
    """Nobody waits for what they are at."""
    for program in programs.running.values():
        program.kill()
    programs.stop()


def _tables_and_facility(environment: dict[str, str]) -> str:
    unmigrated = environment | {"DJANGO_SETTINGS_MODULE": "tests.faults.unmigrated"}
    manage(unmigrated, "migrate", "--run-syncdb", "--verbosity", "0")
    said = manage(environment, "shell", "--no-imports", "--command", FACILITY + ONE_LINK)
    return said.strip().splitlines()[-1]
