"""The configuration of `watch`: watch.toml, read as a whole."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from labcourier_agent.bandwidth import Bandwidth
from labcourier_agent.clean import CleanRule
from labcourier_agent.completeness import STABLE, Completeness
from labcourier_agent.details import EMAIL, FIELDS, PLACEHOLDER, Details, placeholders
from labcourier_agent.exits import BadUsage, NotFound
from labcourier_agent.filters import Filters, Links, regex_of
from labcourier_agent.mistakes import ConfigMistakes, Section, read_toml
from labcourier_agent.rules import OneForAll, PerSubfolder, Rule, parse_split
from labcourier_agent.settings import Portal, Portals
from labcourier_agent.timetable import Schedule, parse_schedule, parse_timetable

CONFIG_FILE = "watch.toml"
MOST_TRANSFERS = 16
MOST_AT_ONCE = 16


@dataclass(frozen=True)
class CloseRule:
    """A dataset is closed when a file `marker` (a template) lies at its top, or nothing came for `idle` seconds.

    With neither: by hand.
    """

    marker: str = ""
    idle: float | None = None


@dataclass(frozen=True)
class FolderEntry:
    """One watched folder. `ignores_late`: what comes after a dataset was closed is left where it is."""

    path: str
    label: str
    portal: Portal
    rule_text: str
    rule: Rule = field(compare=False)
    filters: Filters
    links: Links
    complete: Completeness
    close: CloseRule
    ignores_late: bool
    clean: CleanRule | None
    details: Details

    @property
    def identity(self) -> str:
        """By which its datasets are known again; two entries for one folder need labels."""
        return f"{self.path}#{self.label}" if self.label else self.path


@dataclass(frozen=True)
class WatchConfig:
    """`transfers`: files at once for each dataset; `at_once`: datasets at once."""

    folders: tuple[FolderEntry, ...]
    transfers: int
    at_once: int
    bandwidth: Bandwidth | None
    schedule: Schedule | None


def read_config(file: Path, portals: Portals) -> WatchConfig:
    """Errors: NotFound, BadUsage with every mistake and its line."""
    try:
        return parse_config(file.read_text(encoding="utf-8"), portals)
    except FileNotFoundError as error:
        raise NotFound(
            f"There is no {file}: write one, beginning with what `labcourier watch --example` prints."
        ) from error
    except UnicodeDecodeError as error:
        raise BadUsage(f"{file} is not written in UTF-8: save it so.") from error
    except OSError as error:
        raise BadUsage(f"{file} cannot be read: {error.strerror}.") from error
    except ConfigMistakes as error:
        raise BadUsage(error.sentence(file)) from error


def parse_config(text: str, portals: Portals) -> WatchConfig:
    """Errors: ConfigMistakes."""
    document, lines = read_toml(text)
    mistakes: list[tuple[int, str]] = []
    top = Section(document, (), lines, mistakes)
    timetable = top.parsed("bwlimit", parse_timetable, None)
    transfers = top.whole("transfers", 4, most=MOST_TRANSFERS)
    at_once = top.whole("datasets_at_once", 3, most=MOST_AT_ONCE)
    schedule = top.parsed("schedule", parse_schedule, None)
    sections = top.sections("folder")
    if not sections and not mistakes:
        top.complain("", "No folder is watched: write at least one [[folder]] with a path.")
    folders = [_folder(section, portals) for section in sections]
    _refuse_doubles(folders, sections)
    top.finish()
    if mistakes:
        raise ConfigMistakes(mistakes)
    return WatchConfig(tuple(folders), transfers, at_once, Bandwidth(timetable) if timetable else None, schedule)


def _folder(section: Section, portals: Portals) -> FolderEntry:
    portal = _portal(section, portals)
    rule_text = section.text("dataset", "fixed")
    rule: Rule = OneForAll() if rule_text == "fixed" else section.parsed("dataset", _rule, OneForAll())
    complete = _completeness(section.section("complete"))
    close = _close_rule(section.section("close"), rule)
    exclude = _globs(section, "exclude")
    markers = tuple(glob for glob in (complete.marker_glob, _marker_glob(close.marker)) if glob)
    path = _path(section)
    entry = FolderEntry(
        path=path,
        label=section.text("label"),
        portal=portal or Portal("", "", "", ""),
        rule_text=rule_text,
        rule=rule,
        filters=Filters(_globs(section, "include"), exclude + markers),
        links=Links(section.one_of("links", tuple(Links))),
        complete=complete,
        close=close,
        ignores_late=section.one_of("after_close", ("new", "ignore")) == "ignore",
        clean=_clean_rule(section.section("clean"), path),
        details=_details(section, rule),
    )
    section.finish()
    return entry


def _rule(text: str) -> Rule:
    try:
        return parse_split(text)
    except ValueError as error:
        raise ValueError(f"{str(error).rstrip('.')}; or fixed, for one dataset.") from error


def _portal(section: Section, portals: Portals) -> Portal | None:
    name = section.text("portal")
    try:
        return portals.choose(name or None)
    except NotFound as error:
        section.complain("portal", error.sentence)
        return None


def _path(section: Section) -> str:
    text = section.text("path")
    if not text:
        section.complain("path", "each [[folder]] needs the path of the folder to watch.")
        return ""
    path = Path(text).expanduser()
    if not path.is_absolute():
        section.complain("path", f"{text} depends on where the agent is started: write it from the root.")
    return os.path.normpath(path)


def _globs(section: Section, key: str) -> tuple[str, ...]:
    good = []
    for glob in section.texts(key):
        try:
            regex_of(glob)
        except ValueError as error:
            section.complain(key, str(error))
        else:
            good.append(glob)
    return tuple(good)


def _completeness(section: Section) -> Completeness:
    marker = section.text("marker")
    unknown = sorted(set(placeholders(marker)) - {"name", "stem"})
    if unknown:
        section.complain("marker", f"{{{unknown[0]}}} is not known: {{name}} is image.tif, {{stem}} is image.")
    if "/" in marker or "\\" in marker:
        section.complain("marker", "has to be a file name without folders.")
    if placeholders(marker) and not PLACEHOLDER.sub("", marker):
        section.complain("marker", "is the file itself: add something, such as {name}.done.")
    stable = section.seconds("stable", STABLE)
    complete = Completeness(stable, marker, section.flag("lock"), section.flag("newer"))
    section.finish()
    return complete


def _close_rule(section: Section, rule: Rule) -> CloseRule:
    marker = section.text("marker")
    unknown = sorted(set(placeholders(marker)) - rule.names)
    if unknown:
        section.complain("marker", _unknown_placeholder(unknown[0], rule))
    elif "/" in marker or "\\" in marker:
        section.complain("marker", "has to be a file name without folders.")
    elif marker and rule.names and not isinstance(rule, PerSubfolder) and not placeholders(marker):
        some = min(rule.names)
        section.complain("marker", f"would close every dataset: put a placeholder into it, such as {{{some}}}.done.")
    idle = section.seconds("idle", None)
    section.finish()
    return CloseRule(marker, idle)


def _clean_rule(section: Section, path: str) -> CleanRule | None:
    """Without `after` nothing is removed."""
    after = section.seconds("after", None)
    per_file = section.one_of("when", ("dataset", "file")) == "file"
    if after is None and section.has("when"):
        section.complain("when", 'says nothing without after: write how old a file has to be, such as after = "14d".')
    section.finish()
    return None if after is None else CleanRule(after, (path,), per_file=per_file)


def _marker_glob(marker: str) -> str:
    for name in placeholders(marker):
        marker = marker.replace(f"{{{name}}}", "*")
    return marker


def _details(section: Section, rule: Rule) -> Details:
    for address in section.texts("recipients"):
        if not placeholders(address) and not EMAIL.fullmatch(address):
            section.complain("recipients", f"{address} is no e-mail address.")
    details = Details(
        title=section.text("title"),
        name=section.text("name"),
        description=section.text("description"),
        investigation=section.text("investigation"),
        recipients=section.texts("recipients"),
        keywords=section.texts("keywords"),
        metadata=section.pairs("metadata"),
    )
    for key in (*FIELDS, "metadata"):
        value = getattr(details, key)
        texts = [value] if isinstance(value, str) else value.values() if isinstance(value, dict) else value
        for name in sorted({name for text in texts for name in placeholders(text)} - rule.names - {"folder"}):
            section.complain(key, _unknown_placeholder(name, rule))
    return details


def _unknown_placeholder(name: str, rule: Rule) -> str:
    known = ", ".join(f"{{{known}}}" for known in sorted(rule.names | {"folder"}))
    return f"{{{name}}} is not known with this dataset rule: known are {known}."


def _refuse_doubles(folders: list[FolderEntry], sections: list[Section]) -> None:
    """One file would be sent twice: who wants that says so by labels."""
    for number, folder in enumerate(folders):
        for other in folders[:number]:
            if folder.path and other.path and folder.identity == other.identity:
                sections[number].complain("path", f"{folder.path} is watched twice: give the two different labels.")
            elif _overlap(folder.path, other.path) and not (folder.label and other.label):
                sections[number].complain(
                    "path", f"{folder.path} and {other.path} share files: exclude them in one, and give both a label."
                )


def _overlap(one: str, other: str) -> bool:
    shorter, longer = sorted((Path(one).parts, Path(other).parts), key=len)
    return bool(shorter) and longer[: len(shorter)] == shorter
