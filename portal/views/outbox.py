"""Did the mail go out? The outbox, one mail with its text, and another try."""

import structlog
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_POST, require_safe

from portal.access import signed_in_actor
from portal.bounce_mailbox import mailbox_in_trouble
from portal.errors import NotFound
from portal.keyset import newest_first
from portal.logs import redact
from portal.mail_search import MailFilter, kind_word, search_mail
from portal.mail_text import Letter, write_letter
from portal.models import Notice
from portal.services.outbox import try_again
from portal.views.staff_door import staff_only

log = structlog.get_logger(__name__)

# A mail brings its styles. In a sandbox nothing runs, and a link, made to want a new window, leads nowhere.
_OF_A_MAIL = "sandbox; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"


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
    letter, trouble = _letter_of(notice)
    context = {
        "now": timezone.now(),
        "notice": notice,
        "kind": kind_word(notice.kind),
        "text": redact(letter.text) if letter else "",
        "attachments": [attachment.name for attachment in letter.attachments] if letter else [],
        "trouble": trouble,
    }
    return render(request, "staff/mail_one.html", context)


@staff_only
@never_cache
@require_safe
@xframe_options_sameorigin
def mail_as_seen(request: HttpRequest, notice_id: int) -> HttpResponse:
    """Its HTML without what opens something, for a frame of its page."""
    notice = get_object_or_404(Notice.objects.select_related("dataset__project"), pk=notice_id)
    letter, trouble = _letter_of(notice)
    if letter is None:
        raise NotFound(trouble)
    seen = redact(letter.html).replace("<head>", '<head><base target="_blank">', 1)
    return HttpResponse(seen, headers={"Content-Security-Policy": _OF_A_MAIL})


@staff_only
@require_POST
def send_again(request: HttpRequest, notice_id: int) -> HttpResponse:
    notice = get_object_or_404(Notice.objects.select_related("dataset__project"), pk=notice_id)
    try_again(notice=notice, actor=signed_in_actor(request), now=timezone.now())
    messages.success(request, f"The mail to {notice.to} will be sent again within a minute.")
    return redirect("staff_mail_one", notice_id=notice.pk)


def _letter_of(notice: Notice) -> tuple[Letter | None, str]:
    """The mail's words, or a sentence why there are none."""
    try:
        letter = write_letter(notice)
    except Exception as error:
        log.exception("mail_not_written", notice=notice.pk, kind=notice.kind)
        return None, f"The text cannot be written at the moment: {type(error).__name__}. The log says more."
    return letter, "" if letter else "What the mail is about is over, so there is no text any more."
