"""The recipient's side of the demo: the mail, the page behind its link, the zip by curl, and its checksums."""

import email
import email.policy
import filecmp
import re
import subprocess
import time
import zipfile
from email.message import EmailMessage
from html import unescape
from pathlib import Path
from urllib.parse import urljoin

from demo.checklist import require
from demo.visitor import Visitor

AFTER_A_MAIL = re.compile(rb"^-{79}$", re.MULTILINE)  # as Django writes it
MANIFEST = "manifest-sha256.txt"
MAIL_SECONDS = 150.0  # the worker's bell may be lost; the clock rings it again each minute


def mail_to(recipient: str, mails: Path, *, after: float, dataset: str) -> EmailMessage:
    """The mail about ``dataset`` written since ``after`` (seconds since 1970), waited for."""
    deadline = time.monotonic() + MAIL_SECONDS
    while time.monotonic() < deadline:
        recent = [path for path in mails.glob("*.log") if path.stat().st_mtime >= after]
        for message in (message for path in recent for message in read_mails(path)):
            if recipient in str(message["To"]) and dataset in text_of(message):
                return message
        time.sleep(0.3)
    require(False, f"no mail to {recipient} about {dataset} came to {mails} in {MAIL_SECONDS:.0f} s")
    raise AssertionError("require() has raised")


def read_mails(path: Path) -> list[EmailMessage]:
    """The mails in a file; what follows the last line of dashes is still being written."""
    whole = AFTER_A_MAIL.split(path.read_bytes())[:-1]
    return [email.message_from_bytes(part.strip(), policy=email.policy.default) for part in whole]


def text_of(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    return body.get_content() if body else ""


def link_in(message: EmailMessage, portal: str) -> str:
    """The share link that the mail's text gives."""
    found = re.search(re.escape(portal) + r"/s/[\w.~-]+/?", text_of(message))
    require(found, f"the mail “{message['Subject']}” has no link to {portal}")
    return found[0] if found else ""


def zip_address(link: str) -> str:
    """Where the page behind the link, read without logging in, offers the whole dataset as one zip."""
    page = Visitor().read(link)
    found = re.search(r'href="([^"]*(?:/zip|\.zip)[^"]*)"', page)
    require(found, f"the page {link} offers no zip")
    return urljoin(link, unescape(found[1])) if found else ""


def fetch(address: str, target: Path) -> int:
    """Downloads with curl and returns the number of bytes, which must be the one announced beforehand."""
    target.parent.mkdir(parents=True, exist_ok=True)
    headers = target.with_suffix(".headers")
    command = ["curl", "--fail", "--silent", "--show-error", "--dump-header", str(headers), "--output", str(target)]
    outcome = subprocess.run([*command, address], capture_output=True, text=True, check=False)
    require(outcome.returncode == 0, f"curl ended with {outcome.returncode}: {outcome.stderr.strip()}")
    announced = re.search(r"^content-length: (\d+)", headers.read_text(), re.IGNORECASE | re.MULTILINE)
    size = target.stat().st_size
    require(announced and int(announced[1]) == size, f"{size} bytes came, {announced and announced[1]} were announced")
    return size


def unpack(archive: Path, folder: Path) -> Path:
    """Unpacks the zip after testing each CRC; the folder in which the manifest lies."""
    with zipfile.ZipFile(archive) as opened:
        require(opened.testzip() is None, "a file in the zip is damaged")
        opened.extractall(folder)
    manifests = list(folder.rglob(MANIFEST))
    require(len(manifests) == 1, f"the zip has {len(manifests)} {MANIFEST}")
    return manifests[0].parent


def check_sums(folder: Path) -> int:
    """``sha256sum -c`` over the manifest; the number of files it names."""
    command = ["sha256sum", "--check", "--strict", "--quiet", MANIFEST]
    outcome = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    require(outcome.returncode == 0, f"sha256sum: {outcome.stdout}{outcome.stderr}".strip())
    return len((folder / MANIFEST).read_text().splitlines())


def same_as_sent(folder: Path, sent: Path, left_out: set[str]) -> None:
    """Every file that was sent is there again, byte for byte, under its own name, and nothing else but the manifest."""
    there = {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()} - {Path(MANIFEST)}
    source = {path.relative_to(sent) for path in sent.rglob("*") if path.is_file() and path.name not in left_out}
    require(there == source, f"names differ: {sorted(map(str, there ^ source))[:5]}")
    different = [str(path) for path in source if not filecmp.cmp(folder / path, sent / path, shallow=False)]
    require(not different, f"content differs: {different[:5]}")
