"""Every step of a dataset's retention stands in the audit: what, by whom, and why."""

from keeping.models import AskedPerson
from keeping.services.answers import answer_delete, answer_keep
from keeping.services.classes import change_class, make_class, remove_class
from keeping.services.deleting import delete_by_hand, restore
from keeping.services.keepings import assign_keeping, extend, hold, release_hold
from portal.actors import Actor
from portal.models import AuditEvent, Project, User
from tests.keeping.conftest import MakeDataset
from tests.keeping.retention_story import a_link, day, everything, released, state_of

CLOCK = "the portal"


def test_a_life_with_all_that_can_happen_is_told_step_by_step(
    make_dataset: MakeDataset, project: Project, alice: User, rita: str
) -> None:
    dataset = make_dataset({"a": b"12345"}, **released())
    a_link(dataset)
    manager, recipient = Actor.of_user(alice), Actor("recipient", "asked:1", rita)
    month = make_class(project=project, actor=manager, name="a month", days=40, is_default=True, grace_days=10)
    change_class(retention=month, actor=manager, days=30)
    other = make_class(project=project, actor=manager, name="other", days=None)
    assign_keeping(dataset=dataset, retention=other, owner="", actor=manager)
    assign_keeping(dataset=dataset, retention=None, owner="ito@institute.example", actor=manager)
    remove_class(retention=other, actor=manager)
    hold(dataset=dataset, reason="under review", actor=manager, now=day(2))
    release_hold(dataset=dataset, actor=manager)
    everything(16)
    answer_keep(asked=AskedPerson.objects.get(email=rita), actor=recipient, now=day(17))
    everything(46)
    answer_delete(asked=AskedPerson.objects.get(email=rita), actor=recipient, now=day(47))
    for number in (53, 59):
        everything(number)
    extend(dataset=dataset, actor=manager, now=day(59), manages=True)
    for number in (76, 83, 89, 90):
        everything(number)
    restore(dataset=dataset, actor=manager, now=day(91))
    delete_by_hand(dataset=dataset, actor=manager, now=day(92))
    everything(102)
    assert state_of(dataset) == "purged"
    assert steps() == [
        ("retention_class_made", alice.email, "a month"),
        ("retention_class_changed", alice.email, {"days": [40, 30]}),
        ("retention_class_made", alice.email, "other"),
        ("keeping_changed", alice.email, "other"),
        ("keeping_changed", alice.email, "the project's default"),
        ("retention_class_removed", alice.email, "other"),
        ("dataset_held", alice.email, "under review"),
        ("hold_released", alice.email, f"{alice.email}: under review"),
        ("deletion_warned", CLOCK, (14, 3, day(30).isoformat())),
        ("keeping_extended", rita, day(60).isoformat()),
        ("deletion_warned", CLOCK, (14, 3, day(60).isoformat())),
        ("deletion_agreed", rita, ""),
        ("deletion_warned", CLOCK, (7, 3, day(60).isoformat())),
        ("deletion_warned", CLOCK, (1, 3, day(60).isoformat())),
        ("keeping_extended", alice.email, day(90).isoformat()),
        ("deletion_warned", CLOCK, (14, 3, day(90).isoformat())),
        ("deletion_warned", CLOCK, (7, 3, day(90).isoformat())),
        ("deletion_warned", CLOCK, (1, 3, day(90).isoformat())),
        ("dataset_deleted", CLOCK, ("kept as “a month” says", day(100).isoformat())),
        ("dataset_restored", alice.email, ""),
        ("dataset_deleted", alice.email, ("by hand", day(102).isoformat())),
        ("purge_began", CLOCK, ""),
        ("dataset_purged", CLOCK, (1, 5)),
    ]


def steps() -> list[tuple[str, str, object]]:
    """Kind, actor, and what the event says of the reason."""
    return [(event.kind, event.actor, _said(event)) for event in AuditEvent.objects.order_by("id")]


def _said(event: AuditEvent) -> object:
    if event.kind in NAMED:
        said = tuple(event.detail[name] for name in NAMED[event.kind])
        return said if len(said) > 1 else said[0]
    if event.kind == "dataset_purged":
        return event.detail["files"], event.bytes
    return event.subject


NAMED = {
    "retention_class_changed": ["changes"],
    "deletion_warned": ["days", "people", "deletion_at"],
    "keeping_extended": ["until"],
    "dataset_deleted": ["reason", "restorable_until"],
}
