"""What a mail says, written when it is sent by the function that ``settings.MAILS`` names for its kind."""

from dataclasses import dataclass, field
from datetime import datetime

from css_inline import CSSInliner
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template import Context, Engine
from django.utils import timezone
from django.utils.module_loading import import_string

from portal.mail_facts import Facts
from portal.models import Notice
from portal.outbox import Attachment, MailFunction

# At-rules stay, for dark mode and phones; nothing is ever fetched.
INLINER = CSSInliner(keep_at_rules=True, load_remote_stylesheets=False)


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail's words; ``subject`` is one line."""

    subject: str
    text: str
    html: str
    reply_to: list[str]
    attachments: list[Attachment] = field(default_factory=list)
    unsubscribe: str = ""
    preferences: str = ""
    not_before: datetime | None = None

    def is_early(self, now: datetime) -> bool:
        return self.not_before is not None and self.not_before > now


def write_letter(notice: Notice, facts: Facts | None = None) -> Letter | None:
    """The words of ``notice`` as of its last try; None when it is no longer needed. Days and times are those of the
    project whose dataset it is about, else the portal's. ``facts``: of the batch that it belongs to.

    Whatever the kind's function or its templates raise goes through.
    """
    function: MailFunction = import_string(settings.MAILS[notice.kind])
    with timezone.override(notice.dataset.project.zone if notice.dataset else timezone.get_default_timezone()):
        mail = function(notice, *(facts or Facts([notice])).of(notice))
        if mail is None:
            return None
        context = {**_site(notice), **mail.context}
        return Letter(
            subject=" ".join(_render(f"{mail.template}-subject.txt", context).split()),
            text=_render(f"{mail.template}-body-text.txt", context).strip() + "\n",
            html=INLINER.inline(_render(f"{mail.template}-body-html.html", context)),
            reply_to=mail.reply_to or [settings.SUPPORT_EMAIL],
            attachments=mail.attachments,
            unsubscribe=mail.unsubscribe,
            preferences=mail.preferences,
            not_before=mail.not_before,
        )


def message_of(notice: Notice, letter: Letter) -> EmailMultiAlternatives:
    """The message as it travels. Its Message-ID is the same in every try; ``Auto-Submitted`` (RFC 3834) keeps absence
    notes away. What cannot be delivered goes back to ``BOUNCE_ADDRESS``, answers go to ``reply_to``."""
    headers = {
        "From": settings.DEFAULT_FROM_EMAIL,
        "Message-ID": notice.message_id,
        "Auto-Submitted": "auto-generated",
    }
    if stop := letter.unsubscribe or letter.preferences:
        headers["List-Unsubscribe"] = f"<{stop}>"
    if letter.unsubscribe:
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message = EmailMultiAlternatives(
        letter.subject, letter.text, settings.BOUNCE_ADDRESS, [notice.to], reply_to=letter.reply_to, headers=headers
    )
    message.attach_alternative(letter.html, "text/html")
    for attachment in letter.attachments:
        message.attach(attachment.name, attachment.content, attachment.media_type)
    return message


def _render(name: str, context: dict[str, object]) -> str:
    """Only HTML is escaped: in a text or a subject ``&amp;`` would be seen."""
    template = Engine.get_default().get_template(f"emails/{name}")
    return template.render(Context(context, autoescape=name.endswith(".html")))


def _site(notice: Notice) -> dict[str, object]:
    return {
        "site_name": settings.SITE_NAME,
        "support_email": settings.SUPPORT_EMAIL,
        "portal_url": settings.PORTAL_URL,
        "now": notice.as_of,
        "zone": notice.dataset.project.zone.key.replace("_", " ") if notice.dataset else "",
    }
