"""The facility's mails, one of each kind, and the sheet that shows them side by side."""

import html
import json
import os
import subprocess
import sys
from typing import NamedTuple

from playwright.sync_api import Page

from portal.config import ROOT
from tests.browser.running_portal import AT_HOME, Facility

WIDTH, HEIGHT, ZOOM = 660, 620, 0.46
LIGHT = ["dataset-ready", "reminder", "deletion-warning", "dataset-released"]
DARK = ["more-time-asked", "file-corrupt", "downloads-digest", "storage-report"]


class Mail(NamedTuple):
    subject: str
    text: str
    html: str


def mails_of(facility: Facility) -> dict[str, Mail]:
    environment = {**os.environ, **AT_HOME, "LABCOURIER_VAR": str(facility.var), "LABCOURIER_LOG_LEVEL": "ERROR"}
    program = [sys.executable, "-m", "tests.browser.facility.mails"]
    told = subprocess.run(program, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout
    return {kind: Mail(**mail) for kind, mail in json.loads(told).items()}


def lay_out(page: Page, mails: dict[str, Mail]) -> None:
    """As a mail program would show each in a window of its own; below, as a dark one would."""
    at_night = {kind: mails[kind].html.replace("(prefers-color-scheme: dark)", "all") for kind in DARK}
    shown = {kind: mails[kind].html for kind in LIGHT} | at_night
    figures = "".join(
        f"<figure><figcaption>{html.escape(mails[kind].subject)}</figcaption>"
        f'<iframe srcdoc="{html.escape(text)}"></iframe></figure>'
        for kind, text in shown.items()
    )
    style = (
        "body { margin: 0; padding: 16px; display: grid; grid-template-columns: repeat(4, 300px); gap: 16px;"
        " background: #dfe4e8; font: 12px/16px sans-serif; } figure { margin: 0; overflow: hidden; background: #fff; }"
        " figcaption { padding: 8px; height: 32px; font-weight: 600; }"
        f" iframe {{ border: 0; width: {WIDTH}px; height: {HEIGHT}px; zoom: {ZOOM}; }}"
    )
    page.set_content(f"<!doctype html><style>{style}</style>{figures}", wait_until="load")
