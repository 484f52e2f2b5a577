"""How a project answers who asks for more time."""

from django.db import transaction

from portal import events
from portal.actors import Actor
from portal.models import Project
from portal.services.changes import assign, require_valid
from sharing.models import RenewalPolicy, policy_of


def change_renewal_policy(*, project: Project, actor: Actor, answer: str, days: int, most_times: int) -> RenewalPolicy:
    """Changes what differs; holds for the next request, also of links that exist. Raises Invalid."""
    with transaction.atomic():
        Project.objects.select_for_update().get(pk=project.pk)  # two first changes at once make one row
        policy = policy_of(project)
        changes = assign(policy, {"answer": answer, "days": days, "most_times": most_times})
        if changes:
            require_valid(policy)
            policy.save()
            told = {_FIELDS[name]: change for name, change in changes.items()}
            events.project_changed(project, actor, told)
    return policy


_FIELDS = {"answer": "renewal_answer", "days": "renewal_days", "most_times": "renewal_times"}  # as the audit names them
