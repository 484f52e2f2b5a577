"""How every state looks: one word, one icon, one tone, the same on each page.

``{% state_badge link.state %}``. A test holds this table against the states the models can have.
"""

from dataclasses import dataclass
from typing import Literal

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from portal.templatetags.components import icon

register = template.Library()

Tone = Literal["ok", "busy", "quiet", "warn", "bad"]


@dataclass(frozen=True)
class State:
    word: str
    icon: str
    tone: Tone


STATES: dict[str, State] = {
    # files
    "expected": State("expected", "hourglass", "quiet"),
    "receiving": State("receiving", "arrow-down-circle", "busy"),
    "received": State("verifying", "shield", "busy"),
    "verified": State("verified", "shield-check", "ok"),
    "corrupt": State("corrupt", "x-octagon-fill", "bad"),
    "superseded": State("superseded", "clock-history", "quiet"),
    # datasets
    "open": State("open", "inbox", "busy"),
    "closed": State("closed", "lock", "quiet"),
    "released": State("released", "send-check", "ok"),
    "expired": State("expired", "calendar-x", "quiet"),
    "purged": State("deleted", "trash", "quiet"),
    # what a recipient has done with a link
    "not_opened": State("not opened", "envelope", "quiet"),
    "opened": State("opened", "envelope-open", "quiet"),
    "started": State("started", "download", "busy"),
    "partial": State("partial", "circle-half", "warn"),
    "complete": State("complete", "check-circle", "ok"),
    # mails in the outbox
    "due": State("due", "clock", "quiet"),
    "claimed": State("sending", "arrow-repeat", "busy"),
    "sent": State("sent", "send-check", "ok"),
    "uncertain": State("uncertain", "question-circle", "warn"),
    "failed": State("failed", "exclamation-triangle-fill", "bad"),
    "bounced": State("sent back", "exclamation-triangle-fill", "bad"),
    "dropped": State("no longer needed", "dash-circle", "quiet"),
    # links, upload tokens
    "active": State("active", "check-circle", "ok"),
    "removed": State("removed", "trash", "quiet"),
    "granted": State("granted", "check-circle", "ok"),
    "revoked": State("revoked", "slash-circle", "bad"),
    "held": State("held", "lock", "warn"),
    "unheard": State("nobody told", "exclamation-triangle-fill", "bad"),
    "goes_soon": State("deleted soon", "calendar-x", "warn"),
    # second copies of files
    "wanted": State("waiting", "hourglass", "quiet"),
    "good": State("copied", "shield-check", "ok"),
    "waiting": State("waiting", "hourglass", "quiet"),
    "following": State("live", "broadcast", "busy"),
    "pushing": State("pushing", "upload", "busy"),
    "checking": State("comparing", "shield", "busy"),
    "copying": State("copying", "arrow-repeat", "busy"),
    "done": State("done", "check-circle", "ok"),
    "leaving": State("to be removed", "trash", "quiet"),
    # uploads, and instruments that fell silent
    "finished": State("received", "check-circle", "ok"),
    "kept": State("kept part", "circle-half", "quiet"),
    "cancelled": State("cancelled", "slash-circle", "quiet"),
    "unpacked": State("unpacked", "check-circle", "ok"),
    "refused": State("refused", "x-octagon-fill", "bad"),
    "lost": State("lost bytes", "exclamation-triangle-fill", "bad"),
    "stalled": State("stalled", "pause-circle", "warn"),
    "silent": State("silent", "moon", "warn"),
    "alive": State("alive", "broadcast", "ok"),
    "stopped": State("stopped", "pause-circle", "quiet"),
    "outdated": State("outdated", "clock-history", "warn"),
    # disks
    "fills": State("fills soon", "exclamation-triangle-fill", "warn"),
    "full": State("full", "x-octagon-fill", "bad"),
    # folders that an agent watches
    "watching": State("watching", "check-circle", "ok"),
    "missing": State("missing", "question-circle", "warn"),
    "paused": State("paused", "pause-circle", "quiet"),
    "error": State("in trouble", "exclamation-triangle-fill", "bad"),
    "in_contact": State("in contact", "broadcast", "ok"),
}


@register.simple_tag
def state_badge(value: str) -> SafeString:
    """The badge of a state; a state missing from the table shows its own name, since a page must not fail for it."""
    state = STATES.get(value) or State(value.replace("_", " "), "question-circle", "quiet")
    return format_html('<span class="state state-{}">{}{}</span>', state.tone, icon(state.icon), state.word)


@register.filter
def state_word(value: str) -> str:
    """The word alone, for mails, CSV and sentences."""
    return STATES[value].word if value in STATES else value.replace("_", " ")
