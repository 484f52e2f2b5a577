"""A project's retention classes. Whatever is changed here has the datasets concerned looked at again."""

from typing import TypedDict, Unpack

from django.db import transaction
from django.db.models import Q

from keeping import events
from keeping.models import Keeping, RetentionClass
from portal.actors import Actor
from portal.errors import Conflict
from portal.models import Project
from portal.queue import enqueue
from portal.services.changes import assign, require_valid


class ClassFields(TypedDict, total=False):
    name: str
    days: int | None
    counted_from: str
    is_default: bool
    grace_days: int
    warns_recipients: bool
    extension_days: int
    most_extensions: int
    deletes_early: bool


def make_class(*, project: Project, actor: Actor, **fields: Unpack[ClassFields]) -> RetentionClass:
    """A default takes the place of the former one. Raises Invalid."""
    retention = RetentionClass(project=project, **fields)
    with transaction.atomic():
        _give_up_default(retention)
        require_valid(retention)
        retention.save(force_insert=True)
        _look_again(retention)
        events.retention_class_made(retention, actor)
    return retention


def change_class(*, retention: RetentionClass, actor: Actor, **fields: Unpack[ClassFields]) -> RetentionClass:
    """For datasets that have it already too: nothing is deleted without the notice of its warnings. Raises Invalid."""
    changes = assign(retention, fields)
    if changes:
        with transaction.atomic():
            _give_up_default(retention)
            require_valid(retention)
            retention.save(update_fields=list(changes))
            if "is_default" in changes:  # datasets were released while it was not
                RetentionClass.objects.filter(pk=retention.pk).update(begun_until=None)
            _look_again(retention)
            events.retention_class_changed(retention, actor, changes)
    return retention


def remove_class(*, retention: RetentionClass, actor: Actor) -> None:
    """Raises Conflict while a dataset names it."""
    with transaction.atomic():
        if Keeping.objects.filter(retention_class=retention).exists():
            raise Conflict(f"Datasets are kept as “{retention.name}” says. Give them another class first.")
        _look_again(retention)
        events.retention_class_removed(retention, actor)
        retention.delete()


def _give_up_default(retention: RetentionClass) -> None:
    if retention.is_default:
        others = RetentionClass.objects.filter(project=retention.project_id, is_default=True).exclude(pk=retention.pk)
        others.update(is_default=False, begun_until=None)


def _look_again(retention: RetentionClass) -> None:
    """At those that name it, and at those that follow the default, which it may be or have been."""
    of_project = Keeping.objects.to_look_at().filter(dataset__project=retention.project_id)
    of_project.filter(Q(retention_class=retention.pk) | Q(retention_class=None)).update(not_before=None)
    enqueue("keeping.tasks.retention_task")
