"""Which revision of a zip a request is about: the newest, unless it goes on with an older one.

A browser and careful programs name what they have by its ETag (`If-Range`). wget and curl ask for the bytes behind
what they have and name nothing; then what the link was sent before tells which zip that was.
"""

import re
from datetime import datetime, timedelta

from django.http import HttpRequest

from dataplane.ziplayout import ZipLayout
from portal.models import DataFile, Dataset
from sharing.layouts import layout_of, older_layout, selected
from sharing.models import Receipt, ShareLink
from sharing.selections import Selection

_TAG = re.compile(r'"([0-9]{1,9})-[0-9a-f]{40}"')
_BEHIND = re.compile(r"bytes=([1-9][0-9]{0,18})-[0-9]*", re.IGNORECASE)
_STILL_RUNNING = timedelta(days=1)
_RECEIPTS = 20  # the newest ones of a thing are looked at


def layout_for(
    request: HttpRequest, dataset: Dataset, selection: Selection | None, link: ShareLink | None, now: datetime
) -> ZipLayout:
    """Of an older revision if the request goes on with one and every file of it is still there. Raises NotFound."""
    named = (request.headers.get("If-Range") or request.headers.get("If-Match") or "").strip()
    if named:
        match = _TAG.fullmatch(named)
        revision = int(match[1]) if match else None
    else:
        revision = _begun(request, link, selection, now)
    if revision is not None and revision != dataset.revision and (older := older_layout(dataset, revision)):
        layout = selected(dataset, older, selection)
        if (not named or layout.etag == named) and _is_there(dataset, layout):
            return layout
    return selected(dataset, layout_of(dataset), selection)


def _begun(request: HttpRequest, link: ShareLink | None, selection: Selection | None, now: datetime) -> int | None:
    """The revision whose bytes up to there were sent with this link, else the one that is being fetched."""
    behind = _BEHIND.fullmatch(request.headers.get("Range", "").replace(" ", ""))
    if link is None or behind is None:
        return None
    kind, part = (Receipt.Kind.PART, selection.fingerprint) if selection else (Receipt.Kind.ZIP, "")
    receipts = list(Receipt.objects.filter(link=link, kind=kind, part=part).order_by("-last_at")[:_RECEIPTS])
    at = int(behind[1])
    for receipt in receipts:
        if any(start < at <= stop for start, stop in receipt.spans):
            return receipt.revision
    for receipt in receipts:
        if receipt.state not in Receipt.WHOLE and receipt.last_at > now - _STILL_RUNNING:
            return receipt.revision
    return None


def _is_there(dataset: Dataset, layout: ZipLayout) -> bool:
    """Whether each version of a file that the zip holds is the current one or is kept.

    Cost: one query over the rows that are neither.
    """
    not_kept = dataset.files.filter(state__in=[DataFile.State.SUPERSEDED, DataFile.State.CORRUPT])
    not_kept = not_kept.exclude(kept__in=[DataFile.Kept.IN_PLACE, DataFile.Kept.ASIDE])
    for path, sha256 in not_kept.values_list("path", "sha256").iterator():
        if layout.holds(path, sha256) and not _is_kept(dataset, path, sha256):
            return False
    return True


def _is_kept(dataset: Dataset, path: str, sha256: str) -> bool:
    """A version may have come back."""
    same = dataset.files.filter(path=path, sha256=sha256)
    return same.verified().exists() or same.older_versions().exists()
