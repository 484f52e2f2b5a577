"""The scheduler's work done by hand: each command safe twice, with --dry-run and --now."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core import mail
from django.core.management import CommandError, call_command

from portal.actors import SYSTEM
from portal.audit import record
from portal.models import AuditEvent, Notice, Project
from portal.outbox import queue_notice
from reminders.tasks import expire_links_task, remind_task
from sharing.models import ShareLink
from tests.reminders.conftest import NOW, WEEK, MakeLink

THEN = (NOW + WEEK).isoformat()


def run(command: str, *arguments: str) -> str:
    out = StringIO()
    call_command(command, *arguments, stdout=out)
    return out.getvalue()


def test_reminders_by_hand(make_link: MakeLink, rita: str) -> None:
    link = make_link()
    assert run("remind_recipients", "--dry-run", "--now", THEN) == f"Reminders that would be queued: 1\n  {link}\n"
    assert Notice.objects.count() == 0
    assert run("remind_recipients", "--now", THEN) == "Reminders queued: 1\n"
    assert run("remind_recipients", "--now", THEN) == "Reminders queued: 0\n"
    assert run("send_mail", "--dry-run", "--now", THEN) == f"1 would be sent:\n  reminder to {rita}\n"
    assert mail.outbox == []
    assert run("send_mail", "--now", THEN) == "1 sent\n"
    assert len(mail.outbox) == 1
    assert run("send_mail", "--now", THEN) == "Nothing was sent.\n"
    assert run("send_mail", "--dry-run", "--now", THEN) == "No mail is due.\n"


def test_links_expire_by_hand(make_link: MakeLink, rita: str) -> None:
    make_link(expires_at=NOW + WEEK)
    make_link(expires_at=NOW + WEEK, revoked_at=NOW)
    assert run("expire_links", "--now", (NOW + WEEK - timedelta(seconds=1)).isoformat()) == (
        "Links noted as expired: 0\n"
    )
    assert run("expire_links", "--dry-run", "--now", THEN) == "Links that would be noted as expired: 1\n"
    assert AuditEvent.objects.count() == 0
    assert run("expire_links", "--now", THEN) == "Links noted as expired: 1\n"
    assert run("expire_links", "--now", THEN) == "Links noted as expired: 0\n"
    event = AuditEvent.objects.get()
    assert (event.kind, event.subject) == ("link_expired", rita)


def test_an_expired_link_leaves_its_dataset_released(make_link: MakeLink) -> None:
    link = make_link(expires_at=NOW + WEEK)
    run("expire_links", "--now", THEN)
    link.dataset.refresh_from_db()
    assert link.dataset.state == "released"


def test_a_time_without_an_offset_is_the_portals(make_link: MakeLink) -> None:
    make_link()
    assert run("remind_recipients", "--now", "2026-11-27T18:20:00") == "Reminders queued: 1\n"


@pytest.mark.parametrize("text", ["tomorrow", "2026-13-01T00:00:00Z", "2026-11-27 at six"])
def test_a_wrong_time_says_how_to_write_it(text: str, db: None) -> None:
    with pytest.raises(CommandError, match="write it as 2026-11-20T18:20:37"):
        run("send_mail", "--now", text)


def test_the_scheduler_does_the_same_by_the_clock(make_link: MakeLink) -> None:
    long_ago = NOW - timedelta(days=400)
    make_link(starts_at=long_ago, expires_at=NOW + timedelta(days=36_500))
    make_link(recipient="b@x.example", starts_at=long_ago, expires_at=long_ago + WEEK)
    for task in (remind_task, expire_links_task):
        task()
        task()
    assert Notice.objects.count() == 1
    assert ShareLink.objects.filter(expiry_noted_at__isnull=False).count() == 1


def test_a_whole_audit_says_so_and_a_changed_one_fails(project: Project) -> None:
    assert "The audit is whole. Newest hash: none" in run("verify_audit")
    event = record("seen", SYSTEM, project=project)
    assert f"The audit is whole. Newest hash: {event.hash}" in run("verify_audit")
    AuditEvent.objects.update(actor="mallory")
    out = StringIO()
    with pytest.raises(CommandError, match="broken in 1 places"):
        call_command("verify_audit", stdout=out)
    assert f"event {event.pk}, " in out.getvalue()
    assert "it was changed after it was written" in out.getvalue()


def test_mails_that_cannot_go_out_are_listed_with_their_reason(db: None, rita: str) -> None:
    queue_notice("reminder", rita, subject_id=1, slot="1")
    Notice.objects.update(last_error="The mail server cannot be reached")
    assert f"  reminder to {rita} (The mail server cannot be reached)" in run("send_mail", "--dry-run")
