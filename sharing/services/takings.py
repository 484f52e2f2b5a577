"""How often a link was downloaded with, for links that allow only so many downloads.

One download is everything as a zip, a zip of one selection, a copy, a push, or each single file once; in however many
requests. A request goes on with the download under way, or begins another one. The rule in plain words is in
docs/design/bytes-out.md. The link is locked by the caller: of two requests at the limit one passes.
"""

from collections.abc import Sequence

from django.db.models import F, Max, QuerySet

from dataplane.spans import Span, bytes_in, covers, first_bytes, merge
from portal.models import DataFile
from sharing.errors import LinkUsedUp
from sharing.models import Receipt, ShareLink
from sharing.services.unended import is_sent_from_its_beginning

LOST = 8 * 1024 * 1024  # bytes that may be on their way when a line breaks: we believe they arrived
COLUMNS = ("takings", "taking_spans", "taking_again", "taking_whole")
_FREE = (Receipt.Kind.MANIFEST, Receipt.Kind.COPY, Receipt.Kind.PUSH)  # no data; counted when it begins


def note_asked(link: ShareLink, receipt: Receipt, asked: Sequence[Span], *, refuse: bool = True) -> None:
    """A request for `asked` comes, or is over already (`refuse` is false); the caller saves `receipt` (`COLUMNS`).

    Raises LinkUsedUp. Cost: at most three queries.
    """
    if receipt.kind in _FREE or _goes_on(receipt, asked):
        return
    if receipt.kind == Receipt.Kind.FILE:
        _begin_round(link, receipt.takings + 1, refuse=refuse)
    else:
        count_download(link, refuse=refuse)
    receipt.takings += 1
    receipt.taking_spans, receipt.taking_again, receipt.taking_whole = [], 0, False


def note_sent(receipt: Receipt, spans: Sequence[Span], sent: int, shown: Sequence[Span] = ()) -> None:
    """`sent` bytes of `spans` went out; `shown` are those of killed processes, known by what was asked for later."""
    before = [(start, stop) for start, stop in receipt.taking_spans]
    after = merge(before, first_bytes(spans, sent))
    receipt.taking_again += sent - (bytes_in(after) - bytes_in(before))
    receipt.taking_spans = after
    receipt.taking_whole = receipt.taking_whole or covers(merge(after, shown), receipt.bytes_total)


def note_bundle_asked(link: ShareLink, files: Sequence[DataFile]) -> None:
    """Small files are asked for together. Raises LinkUsedUp. Cost: at most 3 queries."""
    whole = _of_files(link, files).filter(taking_whole=True)
    most = whole.aggregate(most=Max("takings"))["most"]
    _begin_round(link, 1 if most is None else most + 1)
    if most is not None:
        whole.update(takings=F("takings") + 1, taking_spans=[], taking_again=0, taking_whole=False)


def note_bundle_cut(link: ShareLink, whole: Sequence[DataFile]) -> None:
    """The line broke behind these files: the last of them may not have arrived, and may be asked for again."""
    doubtful, size = [], 0
    for file in reversed(whole):
        if size > LOST:
            break
        doubtful.append(file)
        size += file.size
    _of_files(link, doubtful).filter(takings__gt=0).update(takings=F("takings") - 1)


def count_download(link: ShareLink, *, refuse: bool = True) -> None:
    """One more, of the locked link. Raises LinkUsedUp."""
    if refuse and link.is_used_up:
        raise _used_up(link)
    link.downloads += 1
    link.save(update_fields=["downloads"])


def _begin_round(link: ShareLink, number: int, *, refuse: bool = True) -> None:
    """A single file is taken for the `number`-th time: one download, in which every other file may be taken too."""
    if number > link.file_rounds:
        count_download(link, refuse=refuse)
        link.file_rounds = number
        link.save(update_fields=["file_rounds"])


def _goes_on(receipt: Receipt, asked: Sequence[Span]) -> bool:
    """With the taking under way: what is missing, a second try after a break, or the end that got lost in the line."""
    if not receipt.takings:
        return False
    total, wanted = receipt.bytes_total, bytes_in(asked)
    if receipt.taking_whole:
        return wanted < total and receipt.taking_again + wanted <= min(LOST, total // 2)
    if asked[0][0] == 0 and is_sent_from_its_beginning(receipt):
        return False
    return receipt.taking_again <= total


def _of_files(link: ShareLink, files: Sequence[DataFile]) -> QuerySet[Receipt]:
    return Receipt.objects.filter(link=link, kind=Receipt.Kind.FILE, file__in=[file.pk for file in files])


def _used_up(link: ShareLink) -> LinkUsedUp:
    contact = link.dataset.project.contact_email
    return LinkUsedUp(
        f"All downloads that it allowed were made ({link.most_downloads}). Ask {contact} if you need the data again.",
        contact=contact,
        title=link.dataset.title,
    )
