"""What the mails of this room say; `settings.MAILS` names the functions."""

from django.conf import settings

from portal.models import Notice
from portal.outbox import Mail


def stored_damaged(notice: Notice) -> Mail | None:
    """Stored bytes are no longer what was verified. None when the dataset is gone."""
    dataset = notice.dataset
    if dataset is None:
        return None
    files, count = notice.context["files"], notice.context["count"]
    context = {
        "dataset": dataset,
        "files": files,
        "count": count,
        "more": count - len(files),
        "store": notice.context["store"],
        "url": f"{settings.PORTAL_URL}{dataset.get_absolute_url()}?state=corrupt#files",
    }
    return Mail("stored-damaged", context)
