"""What the mails of this room say; `settings.MAILS` names the functions."""

from delivery.models import DatasetCopy
from portal.models import Notice
from portal.outbox import Mail


def copy_failed(notice: Notice) -> Mail | None:
    """A copy into somebody's project was given up and removed."""
    copy = DatasetCopy.objects.select_related("source__project").filter(pk=notice.subject_id).first()
    if copy is None:
        return None
    source = copy.source
    context = {"copy": copy, "source": source, "contact": source.project.contact_email}
    return Mail("copy-failed", context, reply_to=[source.project.contact_email])
