"""P6: whatever a mail server does, no mail comes twice, and none vanishes without being shown."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from checks.ports import free_port
from portal import mail_sending, smtp
from portal.mail_sending import send_due_mail
from portal.models import Notice, User
from portal.outbox import Mail, new_notice, queue_notices
from tests.faults.conftest import Found
from tests.faults.sizes import times
from tests.portal.mail_server import MailServer, mail_server, send_to
from tests.portal.many_connections import at_once, shared_database

pytestmark = [pytest.mark.promise("P6-smtp"), pytest.mark.django_db(transaction=True)]

NOW = datetime(2026, 11, 20, 18, 20, tzinfo=UTC)
WORKERS = 4
ROUNDS = times(4, 20)  # each a little after the longest wait before it: in a campaign more than two days in all
MANNERS = {  # how many mails go to a server that …
    "rita": times(60, 2000),  # … behaves
    "greylist": times(6, 300),  # … wants to be asked twice
    "hang": times(2, 40),  # … does not answer to the address
    "cut": times(4, 200),  # … hangs up on hearing the address
    "full": times(4, 200),  # … has no room, whenever asked
    "nobody": times(4, 200),  # … knows nobody of that name
    "spam": times(4, 200),  # … dislikes the text
    "silent": times(2, 40),  # … takes the text and says nothing
    "gone": times(6, 300),  # … takes the text and hangs up
}
AWAY = times(12, 500)
NEVER_TAKEN = {"hang", "cut", "full", "nobody", "spam"}


def hello(notice: Notice) -> Mail:
    return Mail("invitation", {"by": "Bob Berg", "person": User(email=notice.to), "address": "https://x.example/"})


@pytest.fixture
def server(db: None, tmp_path: Path, settings: Settings) -> Iterator[MailServer]:
    settings.MAILS = settings.MAILS | {"hello": f"{__name__}.hello"}
    with shared_database(tmp_path), mail_server(settings) as running:
        yield running


def queue(manners: dict[str, int]) -> None:
    addresses = [f"{manner}-{number}@x.example" for manner, count in manners.items() for number in range(count)]
    queue_notices(new_notice("hello", address, subject_id=1, slot="now") for address in addresses)


def send_for_days(rounds: int) -> None:
    """All workers at once, round after round, until those that can be delivered are: a slow machine needs more."""
    now = NOW
    for number in range(rounds + 40):
        at_once(lambda now=now: send_due_mail(clock=lambda: now), WORKERS)  # type: ignore[misc]
        waiting = Notice.objects.filter(state="due", to__regex="^(rita|greylist)-")
        if number + 1 >= rounds and not waiting.exists():
            return
        now += timedelta(hours=4, minutes=1)


def doubled(server: MailServer) -> list[str]:
    return [address for address, letters in server.taken.items() if len(letters) > 1]


def wrongly_told(server: MailServer) -> list[str]:
    """Mails of which the outbox says what is not so: sent, or failed, or waiting, against what the server has."""
    told = Notice.objects.filter(kind="hello").values_list("to", "state", "last_error")
    may_be = {True: {"sent", "uncertain"}, False: {"due", "failed"}}
    return [
        f"{to}: {state} ({error})"
        for to, state, error in told
        if state not in may_be[to in server.taken] or (state != "sent" and not error)
    ]


def test_no_mail_comes_twice_and_none_vanishes(
    server: MailServer, found: Found, client: Client, django_user_model: type[User]
) -> None:
    queue(MANNERS)
    send_for_days(ROUNDS)
    states = Counter(Notice.objects.filter(kind="hello").values_list("state", flat=True))
    listed = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
    found(
        f"{sum(MANNERS.values())} mails to {len(MANNERS)} kinds of mail servers by {WORKERS} workers, {ROUNDS} rounds: "
        f"{listed}; {len(doubled(server))} came twice, {len(wrongly_told(server))} were told wrongly"
    )
    assert doubled(server) == []
    assert wrongly_told(server) == []
    assert NEVER_TAKEN.isdisjoint(address.partition("-")[0] for address in server.taken)
    gone = Notice.objects.filter(to__startswith="gone-")
    assert set(gone.values_list("state", flat=True)) == {"uncertain"}
    client.force_login(django_user_model.objects.create_user("sam@facility.example", is_staff=True))
    page = client.get("/staff/mail/?state=uncertain").text
    assert all(notice.to in page for notice in gone.order_by("-pk")[:20])


def test_trying_again_what_may_have_arrived_would_be_noticed(
    server: MailServer, monkeypatch: pytest.MonkeyPatch, found: Found
) -> None:
    monkeypatch.setattr(smtp, "Unknown", smtp.Postponed)
    queue({"gone": 4})
    send_for_days(2)
    found(f"with an unknown outcome taken for a refusal, {len(doubled(server))} of 4 came twice or more often")
    assert doubled(server)


def test_calling_what_may_have_arrived_sent_would_be_noticed(
    server: MailServer, monkeypatch: pytest.MonkeyPatch, found: Found
) -> None:
    """Of a server that hung up before it had the text."""

    def deliver(post: object, message: object, before_body: object) -> None:
        return None

    monkeypatch.setattr(mail_sending, "_deliver", deliver)
    queue({"rita": 4})
    send_for_days(1)
    found(f"with mails that were only believed to be sent, {len(wrongly_told(server))} of 4 were told wrongly")
    assert len(wrongly_told(server)) == 4


def be_away(server: MailServer, settings: Settings) -> int:
    """While all workers try twice; a minute after its return they try once more. How many mails waited for that."""
    queue({"rita": AWAY})
    send_to(settings, free_port())
    for minute in (0, 1):
        at_once(lambda now=NOW + timedelta(minutes=minute): send_due_mail(clock=lambda: now), WORKERS)  # type: ignore[misc]
    send_to(settings, server.port)
    at_once(lambda: send_due_mail(clock=lambda: NOW + timedelta(minutes=2)), WORKERS)
    came = sum(len(letters) == 1 for letters in server.taken.values())
    assert came == AWAY, f"{AWAY - came} of {AWAY} mails did not come, once each"
    assert set(Notice.objects.filter(kind="hello").values_list("state", "attempts")) == {("sent", 1)}
    return came


def test_mails_wait_for_a_mail_server_that_is_away(server: MailServer, settings: Settings, found: Found) -> None:
    found(f"mail server away for two rounds: {be_away(server, settings)} mails came within a minute of its return")


@pytest.mark.parametrize(
    "columns", [{"state": "failed"}, {"not_before": NOW + timedelta(hours=1)}], ids=["given_up", "put_off"]
)
def test_a_single_try_at_a_mail_server_that_is_away_would_be_noticed(
    server: MailServer, settings: Settings, monkeypatch: pytest.MonkeyPatch, found: Found, columns: dict[str, object]
) -> None:
    def give_up(trouble: str, *, now: datetime) -> None:
        Notice.objects.to_send().due(now).update(last_error=trouble, **columns)

    monkeypatch.setattr(mail_sending, "_tell_who_waits", give_up)
    with pytest.raises(AssertionError, match=f"{AWAY} of {AWAY} mails did not come"):
        be_away(server, settings)
    found(f"planted, a try that fails changes {', '.join(columns)}: noticed by {AWAY} of {AWAY} mails")
