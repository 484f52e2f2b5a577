"""What the mails of this room say; `settings.MAILS` names the functions."""

from django.conf import settings

from portal.models import Notice
from portal.outbox import Mail


def file_corrupt(notice: Notice) -> Mail | None:
    """Bytes that are not what the sender stated. None when the dataset is gone."""
    dataset = notice.dataset
    if dataset is None:
        return None
    files, count = notice.context["files"], notice.context["count"]
    context = {
        "dataset": dataset,
        "files": files,
        "count": count,
        "more": count - len(files),
        "url": settings.PORTAL_URL + dataset.get_absolute_url(),
    }
    return Mail("file-corrupt", context)
