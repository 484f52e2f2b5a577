"""The options of `send`, and how its outcome is told."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import click

from labcourier_agent.exits import EXIT_CODES, BadUsage, Exit
from labcourier_agent.lookout import Follow
from labcourier_agent.plan import Plan, spell
from labcourier_agent.progress import LOGGER, in_words
from labcourier_agent.report import Report
from labcourier_agent.run import Options
from labcourier_agent.send import Order, absolute_sources, rehearse, send
from labcourier_agent.settings import Folders, Portal, read_portals
from labcourier_agent.speech import speaking

EMAIL = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+")
MOST_TRANSFERS = 16
SECONDS = click.FloatRange(min=0)


@click.command("send", epilog=EXIT_CODES)
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--title", help="What the dataset is called. Without it: the name of the first PATH.")
@click.option("--description", default="", help="A few sentences for the recipients.")
@click.option("--to", "recipients", multiple=True, metavar="EMAIL", help="Who gets the data. Repeat for several.")
@click.option("--keyword", "keywords", multiple=True, help="Repeat for several.")
@click.option("--meta", "metadata", multiple=True, metavar="KEY=VALUE", help="Repeat for several.")
@click.option("--investigation", default="", help="Proposal, experiment or visit it belongs to.")
@click.option("--name", default="", help="Ends the dataset's unique name. Without it: the title.")
@click.option("--portal", envvar="LABCOURIER_PORTAL", help="Which connected portal. Without it: the default.")
@click.option(
    "--transfers", type=click.IntRange(1, MOST_TRANSFERS), default=4, show_default=True, help="Files at once."
)
@click.option("--new", "anew", is_flag=True, help="A new dataset, although this command made one that has ended.")
@click.option("--follow", is_flag=True, help="Go on while the instrument writes; needs --until-marker or --idle.")
@click.option("--until-marker", metavar="NAME", help="Complete when a file NAME is in a PATH; it is not sent itself.")
@click.option("--idle", type=SECONDS, metavar="SECONDS", help="Complete when nothing was new or changed for so long.")
@click.option("--stable", type=SECONDS, metavar="SECONDS", help="Send a file that stayed the same for so long.  [5]")
@click.option("-n", "--dry-run", is_flag=True, help="Only list what would be sent: bytes and path.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document at the end.")
@click.option("--log-file", metavar="FILE", help="Append every message, and every file sent, to FILE.")
def send_command(dry_run: bool, as_json: bool, log_file: str | None, **chosen: Any) -> None:
    """Sends files and folders as one dataset, and waits until the portal has verified every byte.

    A file keeps its name. Of a folder the content is sent, with its tree, without the folder's own name. Links inside
    are not followed. What changes meanwhile is sent again; the dataset is closed when everything is there.

    After a crash, a reboot or Ctrl-C, the same command sends only what is missing. It is the same when PATHs, portal,
    title and all other details of the dataset are the same; transfers and display do not matter.

    \b
    labcourier send /data/run-7 --title "Run 7" --to rita@example.org --keyword cryo --meta voltage=300kV
    labcourier send /data/run-8 --title "Run 8" --to rita@example.org --follow --until-marker DONE
    """
    folders = Folders.from_environment(os.environ)
    with speaking(log_file), _terminated_like_interrupted():
        portal = read_portals(folders.config).choose(chosen.pop("portal"))
        order = _order(portal, **chosen)
        if dry_run:
            _rehearse(order, folders, as_json=as_json)
            return
        report = send(order, portal, folders)
        _tell(report, order, as_json=as_json)
    sys.exit(report.exit_code)


def _order(  # noqa: PLR0913 one for each option
    portal: Portal,
    *,
    paths: Sequence[str],
    title: str | None,
    recipients: Sequence[str],
    keywords: Sequence[str],
    metadata: Sequence[str],
    transfers: int,
    anew: bool,
    follow: bool,
    until_marker: str | None,
    idle: float | None,
    stable: float | None,
    description: str,
    investigation: str,
    name: str,
) -> Order:
    sources = absolute_sources(paths)
    plan = Plan(
        portal=portal.name,
        portal_url=portal.url,
        project=portal.project,
        sources=sources,
        title=title or Path(sources[0]).name or "Data",
        recipients=tuple(map(_address, recipients)),
        keywords=tuple(keywords),
        metadata=_pairs(metadata),
        description=description,
        investigation=investigation,
        name=name,
    )
    return Order(plan, Options(transfers, _follow(follow, until_marker, idle, stable)), anew)


def _address(text: str) -> str:
    if not EMAIL.fullmatch(text):
        raise BadUsage(f"--to {text}: that is no e-mail address. One address each; repeat --to for several.")
    return text


def _pairs(texts: Sequence[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise BadUsage(f"--meta {text}: write it as KEY=VALUE, such as --meta voltage=300kV.")
        if key.strip() in pairs:
            raise BadUsage(f"--meta {key.strip()} is given twice: a key has one value.")
        pairs[key.strip()] = value.strip()
    return pairs


def _follow(wanted: bool, marker: str | None, idle: float | None, stable: float | None) -> Follow | None:
    if not wanted:
        if (marker, idle, stable) != (None, None, None):
            raise BadUsage("--until-marker, --idle and --stable belong to --follow: add it.")
        return None
    if marker is None and idle is None:
        raise BadUsage("--follow has to know when the dataset is complete: add --until-marker NAME or --idle SECONDS.")
    if marker is not None and Path(marker).name != marker:
        raise BadUsage(f"--until-marker {marker}: give a file name without folders.")
    return Follow(stable=5.0 if stable is None else stable, idle=idle, marker=marker)


def _rehearse(order: Order, folders: Folders, *, as_json: bool) -> None:
    def show(path: str, size: int) -> None:
        if not as_json:
            click.echo(f"{size}\t{path}")

    counts, dataset = rehearse(order, folders, show)
    name = dataset.answer["name"] if dataset and dataset.answer else None
    if as_json:
        document = {"dry_run": True, "files": counts.total, "bytes": counts.total_bytes, "continues": name}
        click.echo(json.dumps(document))
    LOGGER.info("%d files, %s would make up the dataset.", counts.total, in_words(counts.total_bytes))
    if name:
        LOGGER.info("This command goes on with %s: what is there already is not sent again.", name)


def _tell(report: Report, order: Order, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(report.document(), ensure_ascii=False))
    else:
        for line in report.data_lines():
            click.echo(line)
    failed, total = report.counts.of("failed"), report.counts.total
    if failed:
        LOGGER.warning("%d of %d files failed, so the dataset was not closed.", failed, total)
    if report.error:
        LOGGER.error("%s", report.error)
    if report.resumable and report.exit_code is not Exit.OK:
        typed = sys.argv[1:2] == ["send"]
        again = spell(["labcourier", *sys.argv[1:]]) if typed else order.plan.command()
        verified = report.counts.verified
        LOGGER.warning("%d of %d files are verified. To go on, run the same again: %s", verified, total, again)


@contextmanager
def _terminated_like_interrupted() -> Iterator[None]:
    """A shutdown or a service manager asks politely first: end as with Ctrl-C."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
