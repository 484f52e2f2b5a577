"""Who decides about a dataset, and so has to know that it will be, or was, deleted."""

from keeping.models import AskedPerson, Keeping
from portal.models import Membership

Role = AskedPerson.Role


def deciders_of(keeping: Keeping) -> dict[str, Role]:
    """By address: the managers of its project, or its contact if there are none, and its owner. Cost: one query."""
    project = keeping.dataset.project
    managers = Membership.objects.filter(project=project, role=Membership.Role.MANAGER, user__is_active=True)
    emails = list(managers.values_list("user__email", flat=True)) or [project.contact_email]
    people = {email.lower(): Role.MANAGER for email in emails}
    if keeping.owner_email:
        people.setdefault(keeping.owner_email.lower(), Role.OWNER)
    return people
