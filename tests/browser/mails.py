"""The facility's mails, one of each kind, and the sheet that shows them side by side."""

import html
import json
import os
import subprocess
import sys
from typing import NamedTuple

from django.conf import settings
from playwright.sync_api import Page

from portal.config import ROOT
from tests.browser.running_portal import AT_HOME, Facility

WARNING = "deletion-warning"  # says different things to different people
KINDS = [
    *(kind for kind in settings.MAILS if kind != WARNING),
    *(f"{WARNING}-{to}" for to in ("manager", "owner", "recipient")),
]

WIDE, NARROW, ZOOM = 600, 375, 0.66
AT_NIGHT = {"reminder", "more-time-asked", "file-corrupt", "downloads-digest", f"{WARNING}-owner", "push-failed"}
ON_TELEPHONES = {"more-time-given", "drop-link", "not-theirs", f"{WARNING}-recipient"}
AS_TEXT_TOO = ["dataset-ready", "reminder"]
STYLE = f"""
body {{ margin: 0; padding: 16px; width: {4 * 396 + 3 * 16}px; columns: 4; column-gap: 16px; background: #dfe4e8;
  font: 13px/18px sans-serif; }}
figure {{ margin: 0 0 16px; overflow: hidden; break-inside: avoid; background: #fff; }}
figcaption {{ padding: 8px; background: #fff; font-weight: 600; }}
figcaption small {{ display: block; color: #56616b; font-weight: 400; }}
iframe {{ display: block; margin: 0 auto; border: 0; width: {WIDE}px; zoom: {ZOOM}; }}
iframe.narrow {{ width: {NARROW}px; }}
pre {{ margin: 0; padding: 8px; font: 10px/14px monospace; white-space: pre-wrap; overflow-wrap: anywhere; }}
"""
# A letter is as high as what it says.
FIT = """document.querySelectorAll("iframe").forEach((frame) => {
  frame.style.height = `${frame.contentDocument.documentElement.scrollHeight}px`;
})"""


class Mail(NamedTuple):
    subject: str
    text: str
    html: str


def mails_of(facility: Facility) -> dict[str, Mail]:
    """Of each of ``KINDS``."""
    environment = {**os.environ, **AT_HOME, "LABCOURIER_VAR": str(facility.var), "LABCOURIER_LOG_LEVEL": "ERROR"}
    program = [sys.executable, "-m", "tests.browser.facility.mails"]
    told = subprocess.run(program, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout
    return {kind: Mail(**mail) for kind, mail in json.loads(told).items()}


def lay_out(page: Page, mails: dict[str, Mail]) -> None:
    """As mail programs show them: most in a light window, some in a dark one or on a telephone, two as text."""
    page.set_viewport_size({"width": 1700, "height": 1000})
    shown = [_as_seen(kind, mails[kind]) for kind in KINDS] + [_as_text(mails[kind]) for kind in AS_TEXT_TOO]
    page.set_content(f"<!doctype html><style>{STYLE}</style>{''.join(shown)}", wait_until="load")
    page.evaluate(FIT)


def _as_seen(kind: str, mail: Mail) -> str:
    letter = mail.html.replace("(prefers-color-scheme: dark)", "all") if kind in AT_NIGHT else mail.html
    narrow = ' class="narrow"' if kind in ON_TELEPHONES else ""
    return _figure(mail, kind, f'<iframe{narrow} srcdoc="{html.escape(letter)}"></iframe>')


def _as_text(mail: Mail) -> str:
    return _figure(mail, "as text", f"<pre>{html.escape(mail.text)}</pre>")


def _figure(mail: Mail, note: str, shown: str) -> str:
    return f"<figure><figcaption>{html.escape(mail.subject)}<small>{note}</small></figcaption>{shown}</figure>"
