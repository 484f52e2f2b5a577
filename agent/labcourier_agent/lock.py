"""One process per dataset and folder: locks that the operating system gives back, however their holder ends."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from labcourier_agent.exits import AlreadyRunning, BadUsage
from labcourier_agent.settings import make_private
from labcourier_agent.system import lock_file


@contextmanager
def only_one(folder: Path, identity: str) -> Iterator[None]:
    """Errors: AlreadyRunning at once when another process holds it; BadUsage when the folder is another user's."""
    make_private(folder)
    sentence = "The same command is running already: let it finish, or stop it first."
    with _locked(folder / f"{identity[:32]}.lock", sentence):
        yield


@contextmanager
def only_one_on(folder: Path, sources: Sequence[str]) -> Iterator[None]:
    """Nobody else sends or watches one of the `sources`, what is in them or what they are in, by whatever command.

    Who holds what is told by a small file beside each lock. Two that start in the same moment may both be refused.
    Errors: as for `only_one`.
    """
    make_private(folder)
    with ExitStack() as held:
        mine = {_claim(folder, source, held) for source in sources}
        for note in folder.glob("*.path"):
            if note not in mine:
                _refuse_if_overlapping(note, sources)
        yield


def _claim(folder: Path, source: str, held: ExitStack) -> Path:
    path = _resolved(source)
    lock = folder / f"folder-{hashlib.sha256(path.encode()).hexdigest()[:32]}.lock"
    held.enter_context(_locked(lock, f"{source} is being sent by another process: let it finish, or stop it first."))
    note = lock.with_suffix(".path")
    note.write_text(f"{os.getpid()}\n{path}", encoding="utf-8")
    held.callback(note.unlink, missing_ok=True)
    return note


def _refuse_if_overlapping(note: Path, sources: Sequence[str]) -> None:
    """What a killed process left behind is passed over: its lock is free."""
    try:
        process, path = note.read_text(encoding="utf-8").split("\n", 1)
    except (OSError, ValueError):
        return
    for source in sources:
        shorter, longer = sorted((Path(path).parts, Path(_resolved(source)).parts), key=len)
        if longer[: len(shorter)] == shorter:
            sentence = f"{path} is being sent by process {process}: let it finish, or stop it first."
            with _locked(note.with_suffix(".lock"), sentence):
                continue


@contextmanager
def _locked(file: Path, sentence: str) -> Iterator[None]:
    try:
        descriptor = file.open("a+b")
    except OSError as error:
        raise BadUsage(
            f"{file} cannot be opened ({error.strerror}): it may belong to another user. "
            "Set LABCOURIER_HOME to a folder of your own, or run this as that user."
        ) from error
    with descriptor:
        try:
            lock_file(descriptor.fileno())
        except OSError as error:
            raise AlreadyRunning(sentence) from error
        yield


def _resolved(source: str) -> str:
    return os.path.normcase(os.path.realpath(source))
