"""The commands `watch` and `close`."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import click

from labcourier_agent.close_requests import CloseRequests, find_watched
from labcourier_agent.config import CONFIG_FILE, WatchConfig, read_config
from labcourier_agent.exits import EXIT_CODES, Exit, Interrupted
from labcourier_agent.heartbeat import Heartbeat
from labcourier_agent.housekeeping import Housekeeping
from labcourier_agent.interruption import heeding_signals
from labcourier_agent.journal import Journal
from labcourier_agent.log_file import watch_log
from labcourier_agent.progress import LOGGER
from labcourier_agent.settings import PORTALS_FILE, Folders, read_portals
from labcourier_agent.speech import speaking
from labcourier_agent.system import READ_AGAIN
from labcourier_agent.watch import Watch
from labcourier_agent.watch_check import check
from labcourier_agent.watch_example import EXAMPLE
from labcourier_agent.watch_standing import StandingBoard


@click.command("watch", epilog=EXIT_CODES)
@click.option("--config", "config_file", metavar="FILE", help=f"Without it: {CONFIG_FILE} where the tokens are kept.")
@click.option("--check", "only_check", is_flag=True, help="Only print which dataset each file would belong to.")
@click.option("--once", is_flag=True, help="End when everything that is complete was sent and verified.")
@click.option("--example", is_flag=True, help="Print a commented configuration to begin with.")
@click.option("--json", "as_json", is_flag=True, help="With --check: print one JSON document.")
@click.option("--log-file", metavar="FILE", help="Every message, and every file sent.  [watch.log in the log folder]")
@click.option("--log-json", is_flag=True, help="Each message is one JSON object a line, also in the log file.")
def watch_command(
    *,
    config_file: str | None,
    only_check: bool,
    once: bool,
    example: bool,
    as_json: bool,
    log_file: str | None,
    log_json: bool,
) -> None:
    """Watches folders and sends what is new or changed while the instrument writes, for months.

    What is watched, which files make a dataset, when a file is complete, when a dataset is closed and who gets it is
    written in one file, which is read again when it changes. Ctrl-C or a termination signal ends it; started again, it
    goes on where it was. A folder that is not there, as a share that is not mounted, is waited for.

    \b
    labcourier watch --example > watch.toml
    labcourier watch --config watch.toml --check
    labcourier watch --config watch.toml
    """
    if example:
        click.echo(EXAMPLE, nl=False)
        return
    folders = Folders.from_environment(os.environ)
    file = Path(config_file).absolute() if config_file else folders.config / CONFIG_FILE

    def read() -> WatchConfig:
        return read_config(file, read_portals(folders.config))

    if only_check:
        with speaking(log_file, as_json=log_json):
            _check(read(), as_json=as_json)
        return
    board = StandingBoard()
    with speaking(log_file or str(watch_log(os.environ)), as_json=log_json):
        watch = Watch(folders, read, (file, folders.config / PORTALS_FILE), board)
        with Heartbeat(folders, lambda: read_portals(folders.config), board), Housekeeping(folders, read):
            outcome = _watch(watch, once=once)
    sys.exit(outcome)


@click.command("close", epilog=EXIT_CODES)
@click.argument("name")
def close_command(name: str) -> None:
    """Closes a dataset of a watched folder by hand: as soon as all its files have been sent and verified.

    NAME is its title, its name at the portal, or the subfolder or day it is made of. `labcourier watch` does it; when
    that is not running, it does so after its next start.

    \b
    labcourier close run-7
    """
    folders = Folders.from_environment(os.environ)
    with speaking():
        journal = Journal(folders.journal)
        try:
            dataset = find_watched(journal, name)
            CloseRequests(folders.state).add(dataset.client_key)
        finally:
            journal.close()
    click.echo(f"“{dataset.plan.title}” will be closed once all of it is sent and verified.")


def _watch(watch: Watch, *, once: bool) -> Exit:
    """A signal is the usual way to end it: no error, unless it was to end by itself."""
    outcomes: list[Exit] = []
    with _read_again_on_signal(watch):
        try:
            heeding_signals(lambda: outcomes.append(watch.run(once=once)), watch.stop)
        except Interrupted:
            LOGGER.warning("Stopped, without waiting any longer for a connection or a share that hangs.")
            return Exit.INTERRUPTED if once else Exit.OK
    return outcomes[0]


@contextmanager
def _read_again_on_signal(watch: Watch) -> Iterator[None]:
    def note(number: int, frame: FrameType | None) -> None:
        watch.read_again()

    before = [(number, signal.signal(number, note)) for number in READ_AGAIN]
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)


def _check(config: WatchConfig, *, as_json: bool) -> None:
    def show(key: str, size: int, path: str) -> None:
        if not as_json:
            click.echo(f"{key}\t{size}\t{path}")

    checks = [check(entry, show) for entry in config.folders]
    if as_json:
        click.echo(json.dumps({"folders": [found.document() for found in checks]}, ensure_ascii=False))
    for line in (line for found in checks for line in found.lines()):
        LOGGER.info("%s", line)
