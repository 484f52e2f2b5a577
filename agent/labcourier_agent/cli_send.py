"""The options of `send`, and how its outcome is told."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar

import click

from labcourier_agent.bandwidth import Bandwidth
from labcourier_agent.details import EMAIL, Details, placeholders
from labcourier_agent.exits import EXIT_CODES, BadUsage, Exit
from labcourier_agent.filters import Links, regex_of
from labcourier_agent.lookout import Follow
from labcourier_agent.plan import Plan, spell
from labcourier_agent.progress import LOGGER, in_words
from labcourier_agent.report import Report, gravest
from labcourier_agent.run import Options
from labcourier_agent.send import Order, absolute_sources, rehearse, send
from labcourier_agent.settings import Folders, Portal, read_portals
from labcourier_agent.speech import speaking
from labcourier_agent.splitting import split_plans
from labcourier_agent.timetable import parse_schedule, parse_timetable

T = TypeVar("T")

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
@click.option("--split", default="", metavar="RULE", help="Several datasets: subfolder[:DEPTH], day, pattern:REGEX.")
@click.option("--only", multiple=True, metavar="KEY", help="With --split: of these subfolders, days or groups alone.")
@click.option("--include", multiple=True, metavar="GLOB", help="Only such files: *.tif, raw/**. Repeat for several.")
@click.option("--exclude", multiple=True, metavar="GLOB", help="Not such files or folders: *.tmp, cache/. Repeat.")
@click.option(
    "--follow-symlinks",
    "links",
    type=click.Choice([Links.FILES.value, Links.ALL.value]),
    help="Send what links to files lead to; or all: enter linked folders too.",
)
@click.option(
    "--transfers", type=click.IntRange(1, MOST_TRANSFERS), default=4, show_default=True, help="Files at once."
)
@click.option("--bwlimit", metavar="RATE", help='Bytes a second in all: 20M, or by hours: "08:00,5M 19:00,off".')
@click.option("--schedule", metavar="HOURS", help="Send only at these hours, such as 22:00-06:00; else wait.")
@click.option("--new", "anew", is_flag=True, help="A new dataset, although this command made one that has ended.")
@click.option("--follow", is_flag=True, help="Go on while the instrument writes; needs --until-marker or --idle.")
@click.option("--until-marker", metavar="NAME", help="Complete when a file NAME is in a PATH; it is not sent itself.")
@click.option("--idle", type=SECONDS, metavar="SECONDS", help="Complete when nothing was new or changed for so long.")
@click.option("--stable", type=SECONDS, metavar="SECONDS", help="Send a file that stayed the same for so long.  [5]")
@click.option("-n", "--dry-run", is_flag=True, help="Only list what would be sent: bytes and path.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document at the end.")
@click.option("--log-file", metavar="FILE", help="Append every message, and every file sent, to FILE.")
@click.option("--log-json", is_flag=True, help="Each message is one JSON object a line, also in the log file.")
def send_command(dry_run: bool, as_json: bool, log_file: str | None, log_json: bool, **chosen: Any) -> None:
    """Sends files and folders as one dataset, and waits until the portal has verified every byte.

    A file keeps its name. Of a folder the content is sent, with its tree, without the folder's own name. Links inside
    are not followed, but with --follow-symlinks. What changes meanwhile is sent again; the dataset is closed when
    everything is there.

    After a crash, a reboot or Ctrl-C, the same command sends only what is missing. It is the same when PATHs, portal,
    title and all other details of the dataset are the same; transfers and display do not matter.

    With --split one command makes several datasets: one for each subfolder (subfolder:2 for each two levels down), for
    each day on which files were last changed, or for each combination of the named groups of a regular expression that
    is matched from the beginning of the path. Groups called title, name, description, investigation, recipients or
    keywords fill these, meta_NAME fills metadata; --title and the others may have {placeholders}: {folder}, {day},
    {subfolder}, {part1}, or any group.

    Globs are about the path within PATH: without a / a name at any depth, with one a path from the top, name/ a folder.
    --bwlimit counts K, M and G as 1024; hours may have a day, Mon-08:00,5M. All hours are local time.

    \b
    labcourier send /data/run-7 --title "Run 7" --to rita@example.org --keyword cryo --meta voltage=300kV
    labcourier send /data/run-8 --title "Run 8" --to rita@example.org --follow --until-marker DONE
    labcourier send /data --split subfolder --to rita@example.org --exclude "*.tmp" --dry-run
    labcourier send /data --split "pattern:(?P<meta_user>[^_/]+)_(?P<title>[^/]+)/" --to "{meta_user}@example.org"
    labcourier send /data/run-9 --bwlimit "08:00,5M 19:00,off" --schedule 20:00-07:00
    """
    folders = Folders.from_environment(os.environ)
    with speaking(log_file, as_json=log_json), _terminated_like_interrupted():
        portal = read_portals(folders.config).choose(chosen.pop("portal"))
        orders = _orders(portal, **chosen)
        if dry_run:
            _rehearse(orders, folders, as_json=as_json)
            return
        reports = list(_send_all(orders, portal, folders, as_json=as_json))
        if as_json:
            documents = [report.document() for report in reports]
            click.echo(
                json.dumps({"datasets": documents} if orders[0].plan.split else documents[0], ensure_ascii=False)
            )
    sys.exit(gravest({report.exit_code for report in reports}))


def _send_all(orders: Sequence[Order], portal: Portal, folders: Folders, *, as_json: bool) -> Iterator[Report]:
    """One after the other. What goes wrong with one does not keep the next from being sent."""
    for order in orders:
        report = send(order, portal, folders)
        _tell(report, order, as_json=as_json)
        yield report
        if report.exit_code is Exit.INTERRUPTED:
            return


def _orders(  # noqa: PLR0913 one for each option
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
    split: str,
    only: Sequence[str],
    include: Sequence[str],
    exclude: Sequence[str],
    links: str | None,
    bwlimit: str | None,
    schedule: str | None,
) -> list[Order]:
    sources = absolute_sources(paths)
    plan = Plan(
        portal=portal.name,
        portal_url=portal.url,
        project=portal.project,
        sources=sources,
        title=title or Path(sources[0]).name or "Data",
        recipients=tuple(_address(address, templates=bool(split)) for address in recipients),
        keywords=tuple(keywords),
        metadata=_pairs(metadata),
        description=description,
        investigation=investigation,
        name=name,
        include=_globs("--include", include),
        exclude=_globs("--exclude", exclude),
        links=links or Links.SKIP.value,
        split=split,
    )
    options = Options(transfers, _follow(follow, until_marker, idle, stable))
    order = Order(
        plan,
        options,
        anew,
        bandwidth=Bandwidth(timetable) if (timetable := parsed("--bwlimit", parse_timetable, bwlimit)) else None,
        schedule=parsed("--schedule", parse_schedule, schedule),
    )
    if not split:
        if only:
            raise BadUsage("--only chooses among the datasets of --split: add it.")
        return [order]
    if follow:
        raise BadUsage("--split sends what is there now: `labcourier watch` does it while the instrument writes.")
    return [replace(order, plan=part) for part in split_plans(plan, _details(plan, title), only)]


def _details(plan: Plan, title: str | None) -> Details:
    """As they were typed: texts may have placeholders."""
    return Details(
        title=title or "",
        name=plan.name,
        description=plan.description,
        investigation=plan.investigation,
        recipients=plan.recipients,
        keywords=plan.keywords,
        metadata=plan.metadata,
    )


def _globs(option: str, globs: Sequence[str]) -> tuple[str, ...]:
    for glob in globs:
        parsed(option, regex_of, glob)
    return tuple(globs)


def parsed(option: str, parse: Callable[[str], T], text: str | None) -> T | None:
    """Errors: BadUsage."""
    try:
        return None if text is None else parse(text)
    except ValueError as error:
        raise BadUsage(f"{option}: {error}") from error


def _address(text: str, *, templates: bool) -> str:
    if templates and placeholders(text):
        return text
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


def _rehearse(orders: Sequence[Order], folders: Folders, *, as_json: bool) -> None:
    documents = []
    for order in orders:
        splits, title = bool(order.plan.split), order.plan.title

        def show(path: str, size: int, prefix: str = f"{title}\t" if splits else "") -> None:
            if not as_json:
                click.echo(f"{prefix}{size}\t{path}")

        counts, dataset = rehearse(order, folders, show)
        name = dataset.answer["name"] if dataset and dataset.answer else None
        documents.append({"dry_run": True, "files": counts.total, "bytes": counts.total_bytes, "continues": name})
        documents[-1] |= {"title": title, "key": order.plan.key, "recipients": order.plan.recipients} if splits else {}
        what = f"the dataset “{title}”" if splits else "the dataset"
        LOGGER.info("%d files, %s would make up %s.", counts.total, in_words(counts.total_bytes), what)
        if name:
            LOGGER.info("This command goes on with %s: what is there already is not sent again.", name)
    if as_json:
        click.echo(json.dumps({"datasets": documents} if orders[0].plan.split else documents[0], ensure_ascii=False))


def _tell(report: Report, order: Order, *, as_json: bool) -> None:
    if not as_json:
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
