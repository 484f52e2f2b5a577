"""Did the mail go out? The outbox, one mail with its text, and another try."""

import structlog
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from portal.access import signed_in_actor
from portal.bounce_mailbox import mailbox_in_trouble
from portal.keyset import newest_first
from portal.logs import redact
from portal.mail_search import MailFilter, kind_word, search_mail
from portal.mail_text import write_letter
from portal.models import Notice
from portal.services.outbox import try_again
from portal.views.staff_door import staff_only

log = structlog.get_logger(__name__)


@staff_only
@require_safe
def outbox(request: HttpRequest) -> HttpResponse:
    form = MailFilter(request.GET)
    page = newest_first(search_mail(form.wish()), request.GET)
    rows = [(notice, kind_word(notice.kind)) for notice in page.rows]
    context = {
        "now": timezone.now(),
        "filter": form,
        "page": page,
        "rows": rows,
        "unread": mailbox_in_trouble(),
    }
    return render(request, "staff/mail.html", context)


@staff_only
@never_cache
@require_safe
def mail(request: HttpRequest, notice_id: int) -> HttpResponse:
    notice = get_object_or_404(Notice.objects.select_related("dataset__project"), pk=notice_id)
    text, trouble = _text_of(notice)
    context = {
        "now": timezone.now(),
        "notice": notice,
        "kind": kind_word(notice.kind),
        "text": text,
        "trouble": trouble,
    }
    return render(request, "staff/mail_one.html", context)


@staff_only
@require_POST
def send_again(request: HttpRequest, notice_id: int) -> HttpResponse:
    notice = get_object_or_404(Notice.objects.select_related("dataset__project"), pk=notice_id)
    try_again(notice=notice, actor=signed_in_actor(request), now=timezone.now())
    messages.success(request, f"The mail to {notice.to} will be sent again within a minute.")
    return redirect("staff_mail_one", notice_id=notice.pk)


def _text_of(notice: Notice) -> tuple[str, str]:
    """The mail's text without anything that opens something, or a sentence why there is none."""
    try:
        letter = write_letter(notice)
    except Exception as error:
        log.exception("mail_not_written", notice=notice.pk, kind=notice.kind)
        return "", f"The text cannot be written at the moment: {type(error).__name__}. The log says more."
    if letter is None:
        return "", "What the mail is about is over, so there is no text any more."
    return redact(letter.text), ""
