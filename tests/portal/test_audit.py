import pytest
from django.db import transaction

from portal import audit
from portal.actors import SYSTEM, Actor
from portal.models import AuditEvent, Project, User


def test_each_event_carries_the_hash_of_the_one_before(project: Project, alice: User) -> None:
    first = audit.record("project_created", Actor.of_user(alice, "192.0.2.7"), project=project)
    second = audit.record("project_changed", SYSTEM, project=project, detail_of="name")
    assert second.previous_hash == first.hash
    assert first.actor == "alice@facility.example"
    assert list(audit.broken_links()) == []


@pytest.mark.parametrize("change", [{"actor": "mallory"}, {"detail": {"n": 1}}, {"bytes": 5}])
def test_a_changed_event_is_found(project: Project, change: dict[str, object]) -> None:
    for _ in range(3):
        audit.record("seen", SYSTEM, project=project)
    victim = AuditEvent.objects.order_by("id")[1]
    AuditEvent.objects.filter(pk=victim.pk).update(**change)
    assert [event.pk for event, _why in audit.broken_links()] == [victim.pk]


def test_a_removed_event_is_found_wherever_it_stood(project: Project) -> None:
    for _ in range(4):
        audit.record("seen", SYSTEM, project=project)
    ids = list(AuditEvent.objects.order_by("id").values_list("id", flat=True))
    for gone in (ids[0], ids[2], ids[3]):
        with transaction.atomic():
            AuditEvent.objects.filter(pk=gone).delete()
            assert list(audit.broken_links()), f"event {gone} went unnoticed"
            transaction.set_rollback(True)


def test_an_event_rolled_back_leaves_the_chain_whole(project: Project) -> None:
    audit.record("kept", SYSTEM, project=project)
    with transaction.atomic():
        audit.record("undone", SYSTEM, project=project)
        transaction.set_rollback(True)
    audit.record("kept", SYSTEM, project=project)
    assert AuditEvent.objects.count() == 2
    assert list(audit.broken_links()) == []
