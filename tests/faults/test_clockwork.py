"""P6 and P8 with everything in processes of its own: three schedulers, four workers, a broker, PostgreSQL, SMTP."""

import hashlib
import os
import tempfile
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from portal.mail_claims import LEASE
from tests.faults.conftest import Found
from tests.faults.healing import beside_promise, by_the_clock
from tests.faults.live_clock import LiveClock, live_clock
from tests.faults.live_portal import Wire
from tests.faults.sizes import times
from tests.sharing.handover import until

pytestmark = [pytest.mark.slow, pytest.mark.on_database("PostgreSQL")]
REMINDERS = times(100, 2000)
FEW = times(40, 300)
ROUNDS = times(1, 10)
CONSTRAINT = "notice_is_sent_once_for_its_occasion"
CONSTRAINT_AGAIN = f"""
    DO $$ BEGIN  -- as one: somebody may still queue what was due before
        LOCK TABLE portal_notice IN ACCESS EXCLUSIVE MODE;
        DELETE FROM portal_notice;
        ALTER TABLE portal_notice ADD CONSTRAINT {CONSTRAINT} UNIQUE (kind, subject_id, slot, "to");
    END $$
"""  # noqa: S608  (a constant)


@pytest.fixture(scope="module")
def clock() -> Iterator[LiveClock]:
    with (
        tempfile.TemporaryDirectory(prefix="clock-") as folder,  # a short path, for the broker's socket
        live_clock(Path(folder, "var"), schedulers=3, workers=4) as running,
    ):
        yield running


def remind_at_once(clock: LiveClock, kind: str) -> float:
    """Seconds until all mails were sent; two workers at least decide on the same reminders at the same time."""
    with clock.outbox_locked(waiting=2):
        clock.share(kind, REMINDERS)
    return clock.wait_until_sent(kind, REMINDERS)


@pytest.mark.promise("P6")
def test_three_schedulers_and_four_workers_send_what_is_due_and_nothing_twice(clock: LiveClock, found: Found) -> None:
    took = remind_at_once(clock, "once")
    assert clock.states("once") == {"sent": REMINDERS}
    assert set(clock.arrived("once").values()) == {1}
    found(f"3 schedulers, 4 workers: {REMINDERS} reminders due, {REMINDERS} mails, none twice, in {took:.0f} s")


@pytest.mark.promise("P6")
def test_reminders_that_are_queued_twice_would_be_noticed(clock: LiveClock, found: Found) -> None:
    """By their states: where both wait, only the newest is sent."""
    clock.ask(f"ALTER TABLE portal_notice DROP CONSTRAINT {CONSTRAINT}")
    try:
        remind_at_once(clock, "twice")
        states = clock.states("twice")
    finally:
        clock.ask("UPDATE sharing_sharelink SET revoked_at = now()")  # nothing is due after that
        clock.ask(CONSTRAINT_AGAIN)
    assert states != {"sent": REMINDERS}
    found(f"planted: without the outbox's constraint {sum(states.values())} mails for {REMINDERS} reminders; noticed")


@pytest.mark.promise("P8")
def test_work_that_the_broker_forgot_is_found_again(clock: LiveClock, found: Found) -> None:
    def empty_it_among(kind: str) -> tuple[float, float, float]:
        clock.share(kind, FEW)
        until(lambda: clock.arrived(kind))
        clock.flush_broker()
        web, uploads, file = answered_and_sent(clock)
        clock.start_broker()
        back = time.monotonic()
        wait_until_verified(clock, file)
        until(lambda: all_are(clock, kind, "sent"), 300)
        work = time.monotonic() - back
        time.sleep(2)  # no more come while the schedulers tick on
        assert set(clock.arrived(kind).values()) == {1}
        return web, uploads, work

    took = longest(empty_it_among(f"broker{number}") for number in range(ROUNDS))
    found(
        f"{ROUNDS} × broker killed and emptied among {FEW} mails, all sent once: while it was away "
        f"{beside_promise(web=took[0], uploads=took[1])}, after its return {beside_promise(work=took[2])}"
    )


@pytest.mark.promise("P8")
def test_work_that_only_the_broker_knew_of_would_be_noticed(clock: LiveClock, found: Found) -> None:
    with clock.nobody_ticks():
        clock.flush_broker()
        file = send_a_file(clock)
        clock.start_broker()
        clock.call("uploads.tasks.silent_agents_task")  # the workers are back
        clock.wait_until_quiet()
        assert state_of(clock, file) == "received"
    wait_until_verified(clock, file)
    found("planted, schedulers that stand still: a file whose call the broker forgot waits, until they go on")


@pytest.mark.promise("P8")
def test_mails_go_out_when_the_mail_server_is_back(clock: LiveClock, found: Found) -> None:
    def away_for(kind: str) -> tuple[float, float, float]:
        clock.world.refuse_mail()
        clock.share(kind, FEW)
        until(lambda: clock.states(kind).get("due") == FEW)
        web, uploads, _ = answered_and_sent(clock)
        clock.world.take_mail()
        work = clock.wait_until_sent(kind, FEW)
        assert set(clock.arrived(kind).values()) == {1}
        return web, uploads, work

    took = longest(away_for(f"mail{number}") for number in range(ROUNDS))
    found(
        f"{ROUNDS} × mail server away among {FEW} mails, all sent once: while it was away "
        f"{beside_promise(web=took[0], uploads=took[1])}, after its return {beside_promise(work=took[2])}"
    )


@pytest.mark.promise("P8")
def test_web_uploads_and_work_go_on_after_the_database_was_restarted(clock: LiveClock, found: Found) -> None:
    web, uploads, work = longest(restart_database(clock, f"database{number}") for number in range(ROUNDS))
    found(
        f"{ROUNDS} × PostgreSQL ended at once among {FEW} mails, back after a second: "
        f"{beside_promise(web=web, uploads=uploads, work=work)}, no mail twice, none lost; what a dead worker held "
        f"goes on {by_the_clock('portal.tasks.send_due_mail_task', LEASE):.0f} s later at worst"
    )


@pytest.mark.promise("P8")
def test_a_database_that_forgets_what_it_said_would_be_noticed(clock: LiveClock, found: Found) -> None:
    with clock.forgetful_database(), pytest.raises(AssertionError, match="came twice") as noticed:
        restart_database(clock, "forgotten")
    found(f"planted, PostgreSQL with synchronous_commit=off: {noticed.value}".partition("\n")[0])


def restart_database(clock: LiveClock, kind: str) -> tuple[float, float, float]:
    """Seconds from its return until the web server, uploads and work went on.

    Of what the dead held, whoever has the text is uncertain, the rest is due again. Nobody waits here until their
    leases have run out, as how long that takes stands in the settings (`by_the_clock`).
    """
    clock.share(kind, FEW)
    until(lambda: clock.arrived(kind))
    clock.database.crash()
    dead_hold_until = datetime.now(UTC) + LEASE  # at most
    time.sleep(1)
    clock.database.start()
    back = time.monotonic()
    web, uploads, file = answered_and_sent(clock)
    wait_until_verified(clock, file)
    until(lambda: all_are(clock, kind, "sent", "claimed", "uncertain"), 300)
    clock.ask("UPDATE portal_notice SET leased_until = now() WHERE leased_until <= %(dead)s", dead=dead_hold_until)
    until(lambda: all_are(clock, kind, "sent", "uncertain"), 300)
    work = time.monotonic() - back
    arrived, states = clock.arrived(kind), clock.states(kind)
    twice = [mail for mail, times in arrived.items() if times > 1]
    assert not twice, f"{len(twice)} of {FEW} mails came twice"
    assert states["sent"] <= len(arrived) <= FEW == sum(states.values())
    return web, uploads, work


def answered_and_sent(clock: LiveClock) -> tuple[float, float, str]:
    """Seconds from now until the web server answers, and until it takes a file, whose path comes last."""
    began = time.monotonic()
    until(lambda: Wire(clock.portal)("GET", "/api/v1/connection").status == 200)
    web = time.monotonic() - began
    file = send_a_file(clock)
    return web, time.monotonic() - began, file


def longest(rounds: Iterable[tuple[float, float, float]]) -> tuple[float, float, float]:
    """Of web, uploads and work, each."""
    web, uploads, work = (max(times) for times in zip(*rounds, strict=True))
    return web, uploads, work


def all_are(clock: LiveClock, kind: str, *states: str) -> bool:
    found = clock.states(kind)
    return sum(found.values()) >= FEW and set(found) <= set(states)


def send_a_file(clock: LiveClock) -> str:
    """Its path; sent again until it is taken, as an agent does."""
    data, path = os.urandom(10_000), f"{os.urandom(4).hex()}.tif"
    wire, sha256 = Wire(clock.portal), hashlib.sha256(data).hexdigest()
    until(lambda: wire.create(len(data), path, data, sha256=sha256).status == 201)
    return path


def wait_until_verified(clock: LiveClock, path: str) -> None:
    until(lambda: state_of(clock, path) == "verified", 300)


def state_of(clock: LiveClock, path: str) -> object:
    ((state,),) = clock.ask("SELECT state FROM portal_datafile WHERE path = %(path)s", path=path)
    return state
