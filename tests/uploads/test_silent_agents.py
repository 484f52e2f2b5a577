"""Agents that were to report and did not: marked, and people are told once for each silence."""

from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone

from portal.actors import Actor
from portal.mail_sending import send_due_mail
from portal.models import AuditEvent, Notice, User
from portal.needs import needs_of
from tests.uploads.conftest import MakePc, Pc
from tests.uploads.test_heartbeat import beat
from uploads.models import Agent, patience_with
from uploads.services import silence
from uploads.services.silence import tell_silent_agents
from uploads.services.tokens import revoke_token

HOUR = timedelta(hours=1)


@pytest.mark.parametrize(("interval_s", "minutes"), [(10, 5), (60, 5), (600, 30), (86_400, 3 * 24 * 60)])
def test_patience_is_three_intervals_and_at_least_five_minutes(interval_s: int, minutes: int) -> None:
    assert patience_with(interval_s) == timedelta(minutes=minutes)


def test_each_silence_is_mailed_once_however_often_is_looked(ada: Pc) -> None:
    ada.post("/heartbeat", beat())
    heard = Agent.objects.get().last_heard_at
    assert tell_silent_agents(now=heard + timedelta(minutes=4, seconds=59)) == []
    late = heard + timedelta(minutes=5)
    assert [agent.host for agent in tell_silent_agents(now=late)] == ["krios-pc"]
    assert tell_silent_agents(now=late) == []
    assert tell_silent_agents(now=late + HOUR) == []
    ada.post("/heartbeat", beat())
    assert Agent.objects.get().state(timezone.now()) == "alive"
    tell_silent_agents(now=timezone.now() + HOUR)
    assert Notice.objects.filter(kind="agent-silent", to="em-staff@facility.example").count() == 2
    assert AuditEvent.objects.filter(kind="agent_silent").count() == 2


def test_two_who_look_at_the_same_time_send_one_mail(ada: Pc) -> None:
    """The second has read the row before the first marked it."""
    ada.post("/heartbeat", beat())
    agent, later = Agent.objects.select_related("token__project").get(), timezone.now() + HOUR
    assert tell_silent_agents(now=later)
    assert not silence._tell(agent, later)
    assert Notice.objects.count() == 1


def test_an_agent_heard_while_the_sweep_looks_is_not_told_of(ada: Pc) -> None:
    ada.post("/heartbeat", beat())
    stale = Agent.objects.select_related("token__project").get()
    ada.post("/heartbeat", beat())
    assert not silence._tell(stale, timezone.now() + HOUR)
    assert not Notice.objects.exists()


def test_an_agent_that_stopped_or_whose_token_is_revoked_is_not_missed(ada: Pc, make_pc: MakePc, alice: User) -> None:
    other = make_pc("Other")
    ada.post("/heartbeat", beat(stopping=True))
    other.post("/heartbeat", beat(host="other-pc"))
    revoke_token(token=other.token, actor=Actor.of_user(alice), now=timezone.now())
    assert tell_silent_agents(now=timezone.now() + HOUR) == []
    assert Agent.objects.get(token=ada.token).state(timezone.now() + HOUR) == "stopped"


def test_without_addresses_the_managers_are_told(make_pc: MakePc, alice: User, bob: User) -> None:
    make_pc(notification_emails=[]).post("/heartbeat", beat(last_error="The network is down."))
    tell_silent_agents(now=timezone.now() + HOUR)
    assert list(Notice.objects.values_list("to", flat=True)) == ["alice@facility.example"]
    send_due_mail(clock=timezone.now)
    text = str(mail.outbox[0].body)
    assert mail.outbox[0].subject == "Krios 2: the agent on krios-pc is silent"
    assert "The network is down." in text
    assert "/projects/em/instruments/krios-2/" in text
    assert "3 files, 900 B" in text.replace("\u00a0", " ").replace("\u2009", " ")


def test_a_mail_that_was_overtaken_by_a_heartbeat_is_not_sent(ada: Pc) -> None:
    ada.post("/heartbeat", beat())
    tell_silent_agents(now=timezone.now() + HOUR)
    ada.post("/heartbeat", beat())
    send_due_mail(clock=timezone.now)
    assert mail.outbox == []
    assert Notice.objects.get().state == Notice.State.DROPPED


def test_the_home_page_names_silent_agents_to_those_who_may_know(ada: Pc, bob: User, charlie: User) -> None:
    ada.post("/heartbeat", beat())
    later = timezone.now() + HOUR
    said: list[Any] = [need for need in needs_of(bob, later) if need.state == "silent"]
    assert [(need.subject, need.url) for need in said] == [("Krios 2", "/projects/em/instruments/krios-2/")]
    assert "krios-pc was last heard" in said[0].text
    assert needs_of(charlie, later) == []
