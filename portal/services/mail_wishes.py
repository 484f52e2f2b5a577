"""Members say how they want to hear of downloads, project by project."""

from collections.abc import Mapping

from django.db import transaction

from portal import events
from portal.actors import Actor
from portal.models import Membership, User


def wish_for_mails(*, person: User, wishes: Mapping[int, Membership.Told], actor: Actor) -> list[Membership]:
    """`wishes` are by the id of the person's memberships; others are left out. Those that changed."""
    with transaction.atomic():
        mine = Membership.objects.select_for_update(of=("self",)).select_related("project", "user")
        members = list(mine.filter(user=person, pk__in=wishes))
        changed = [member for member in members if member.told_of_downloads != wishes[member.pk]]
        for member in changed:
            member.told_of_downloads = wishes[member.pk]
        Membership.objects.bulk_update(changed, ["told_of_downloads"], batch_size=100)
        for member in changed:
            events.mails_wished(member, actor)
    return changed
