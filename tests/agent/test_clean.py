"""`labcourier clean`: only what the portal has verified goes, and only what is still what was sent."""

from __future__ import annotations

import csv
import io
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from labcourier_agent import portal_reader
from labcourier_agent.clean import Cleaning, CleanRule, CleanTally
from labcourier_agent.config import read_config
from labcourier_agent.durations import in_seconds, span_in_words
from labcourier_agent.exits import SourceChanged
from labcourier_agent.housekeeping import Housekeeping
from labcourier_agent.journal import Journal
from labcourier_agent.removal import look_below, remove
from labcourier_agent.settings import Folders, read_portals
from tests.agent.conftest import Agent, Result
from tests.agent.loopback_door import Fault
from tests.agent.portal_to_look_at import PortalToLookAt

LONG_AGO = time.time() - 100 * 86400
SAFE = "2026-01-01T00:00:00+00:00"


@pytest.fixture
def portal() -> Iterator[PortalToLookAt]:
    with PortalToLookAt() as portal:
        yield portal


@pytest.fixture
def sent(ada: Agent, portal: PortalToLookAt, data: Path) -> Path:
    """The folder `data`, a hundred days old, sent, verified and safe to delete since long."""
    make_old(data)
    assert ada("send", data, "--title", "Run 7").code == 0
    portal.safe_since = SAFE
    return data


def make_old(folder: Path) -> None:
    for file in files_in(folder):
        os.utime(folder / file, (LONG_AGO, LONG_AGO))


def files_in(folder: Path) -> set[str]:
    return {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}


def notes(told: Result) -> dict[str, tuple[str, str]]:
    rows = csv.DictReader(io.StringIO(told.out))
    return {Path(row["path"]).name: (row["result"], row["note"]) for row in rows}


ALL = {"one.tif", "two größer.tif", "deep/er/empty.txt"}


def test_without_yes_nothing_is_removed(ada: Agent, sent: Path) -> None:
    told = ada("clean", "--older-than", "14d")
    assert told.code == 0
    assert {result for result, _ in notes(told).values()} == {"would_remove"}
    assert "3 files (9.0 kB) would be removed." in told.err
    assert "add --yes" in told.err
    assert files_in(sent) == ALL


def test_with_yes_verified_files_and_emptied_folders_go(ada: Agent, sent: Path, tmp_path: Path) -> None:
    (sent / "deep" / "never sent.txt").touch()
    log = tmp_path / "clean.log"
    told = ada("clean", "--older-than", "14d", "--yes", "--log-file", log)
    assert told.code == 0
    assert files_in(sent) == {"deep/never sent.txt"}
    assert (sent / "deep").is_dir()
    assert not (sent / "deep" / "er").exists()
    assert f"removed {sent / 'one.tif'} (3000 bytes, sha256 " in log.read_text()
    assert {result for result, _ in notes(ada("clean", "--older-than", "14d", "--yes")).values()} == {"gone"}


def test_the_folder_that_was_sent_stays(ada: Agent, sent: Path) -> None:
    assert ada("clean", "--older-than", "14d", "--yes").code == 0
    assert sent.is_dir()
    assert files_in(sent) == set()


def test_nothing_goes_while_the_dataset_is_not_safe(ada: Agent, portal: PortalToLookAt, sent: Path) -> None:
    portal.safe_since = None
    told = ada("clean", "--older-than", "14d", "--yes")
    assert "not safe to delete: it is closed, 3 of 0 files are verified" in told.err
    assert files_in(sent) == ALL


@pytest.mark.parametrize("state", ["expired", "purged"])
def test_nothing_goes_once_the_portal_gave_the_bytes_up(
    ada: Agent, portal: PortalToLookAt, sent: Path, state: str
) -> None:
    portal.dataset.state = state
    assert f"it is {state} at the portal" in ada("clean", "--older-than", "14d", "--yes").err
    assert files_in(sent) == ALL


def test_nothing_goes_when_the_portal_forgot_the_dataset(ada: Agent, portal: PortalToLookAt, sent: Path) -> None:
    portal.datasets.clear()
    assert "no such dataset any more" in ada("clean", "--older-than", "14d", "--yes").err
    assert files_in(sent) == ALL


def test_nothing_goes_when_the_portal_does_not_answer(
    ada: Agent, portal: PortalToLookAt, sent: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(portal_reader, "DELAYS", (0.0,))
    portal.faults = [Fault("GET", times=99), Fault("POST", times=99)]
    assert ada("clean", "--older-than", "14d", "--yes").code == 5
    portal.faults = [Fault("POST", times=99)]
    assert ada("clean", "--older-than", "14d", "--yes").code == 5
    assert files_in(sent) == ALL


def test_what_the_portal_has_otherwise_stays(ada: Agent, portal: PortalToLookAt, sent: Path) -> None:
    portal.dataset.files["one.tif"].state = "corrupt"
    portal.dataset.files["two größer.tif"].stated = "0" * 64
    del portal.dataset.files["deep/er/empty.txt"]
    told = ada("clean", "--older-than", "14d", "--yes")
    assert {note for _, note in notes(told).values()} == {"The portal does not have this content as verified."}
    assert files_in(sent) == ALL


def rewrite_in_the_same_moment(file: Path) -> None:
    before = file.stat()
    file.write_bytes(b"eno" * 1000)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def replace_by_a_link(file: Path) -> None:
    shutil.move(file, file.parent.parent / "elsewhere.tif")
    file.symlink_to(file.parent.parent / "elsewhere.tif")


@pytest.mark.parametrize(
    ("change", "note"),
    [
        (lambda file: file.write_bytes(b"longer" * 1000), "It changed since it was sent."),
        (lambda file: os.utime(file, (LONG_AGO + 1, LONG_AGO + 1)), "It changed since it was sent."),
        (rewrite_in_the_same_moment, "Its content changed since it was sent."),
        (replace_by_a_link, "is no regular file by now."),
    ],
)
def test_what_is_no_longer_what_was_sent_stays(
    ada: Agent, sent: Path, change: Callable[[Path], object], note: str
) -> None:
    change(sent / "one.tif")
    told = ada("clean", "--older-than", "14d", "--yes")
    result, why = notes(told)["one.tif"]
    assert result == "kept"
    assert why.endswith(note)
    assert files_in(sent) == {"one.tif"}


def test_with_trusted_times_the_file_id_still_counts(ada: Agent, sent: Path) -> None:
    rewritten = sent / "one.tif"
    rewritten.rename(sent / "aside")
    shutil.copy2(sent / "aside", rewritten)
    (sent / "aside").unlink()
    told = ada("clean", "--older-than", "14d", "--yes", "--trust-times")
    assert notes(told)["one.tif"] == ("kept", "It is another file than the one that was sent.")
    assert ada("clean", "--older-than", "14d", "--yes").code == 0
    assert files_in(sent) == set(), "the digest proves it to be the same content"


def test_a_folder_that_became_a_link_is_not_entered(ada: Agent, sent: Path, tmp_path: Path) -> None:
    (sent / "deep").rename(tmp_path / "precious")
    (sent / "deep").symlink_to(tmp_path / "precious")
    told = ada("clean", "--older-than", "14d", "--yes", "--trust-times")
    assert told.code == 7
    assert notes(told)["empty.txt"][1].endswith("is a link by now.")
    assert files_in(tmp_path / "precious") == {"er/empty.txt"}


def test_young_files_stay(ada: Agent, portal: PortalToLookAt, data: Path) -> None:
    assert ada("send", data).code == 0
    portal.safe_since = SAFE
    told = ada("clean", "--older-than", "1h", "--yes")
    assert all(note.startswith("Not old enough") for _, note in notes(told).values())
    make_old(data)
    assert files_in(data) == ALL


def test_old_files_that_became_safe_a_moment_ago_stay(ada: Agent, portal: PortalToLookAt, sent: Path) -> None:
    portal.safe_since = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(time.time() - 7200))
    told = ada("clean", "--older-than", "1d", "--yes")
    assert notes(told)["one.tif"] == ("kept", "Not old enough: 2 h.")
    assert ada("clean", "--older-than", "1h", "--yes").code == 0
    assert files_in(sent) == set()


def test_only_what_lies_in_the_given_folders_goes(ada: Agent, sent: Path) -> None:
    assert ada("clean", sent / "deep", "--older-than", "14d", "--yes").code == 0
    assert files_in(sent) == {"one.tif", "two größer.tif"}
    assert ada("clean", sent.parent / "home", "--older-than", "14d", "--yes").out.splitlines()[1:] == []


def test_a_file_that_another_dataset_still_needs_stays(ada: Agent, portal: PortalToLookAt, sent: Path) -> None:
    portal.refused_names = {"one.tif"}
    assert ada("send", sent, "--title", "Again, for somebody else").code == 4
    told = ada("clean", "--older-than", "14d", "--yes")
    assert ("kept", "Another dataset that is under way still needs it.") in notes(told).values()
    assert (sent / "one.tif").exists()


def test_a_rule_may_take_single_verified_files_of_an_open_dataset(
    ada: Agent, portal: PortalToLookAt, home: Path, data: Path
) -> None:
    make_old(data)
    portal.refused_names = {"one.tif"}
    assert ada("send", data).code == 4
    folders = Folders(home, home)
    journal = Journal(folders.journal)
    later = time.time() + 2 * 86400
    rule = CleanRule(86400, (str(data),), per_file=True)
    cleaning = Cleaning(journal, read_portals(home), rule, CleanTally(), really=True, now=later)
    removed = {Path(cleaned.path).name for cleaned in cleaning.run()}
    journal.close()
    assert removed == {"two größer.tif", "empty.txt"}
    assert files_in(data) == {"one.tif"}


def test_rules_of_the_configuration_need_no_yes(ada: Agent, sent: Path, tmp_path: Path) -> None:
    config = tmp_path / "watch.toml"
    config.write_text(f'[[folder]]\npath = "{sent}"\n')
    assert ada("clean", "--config", config).code == 2, "a folder without a rule is never cleaned"
    config.write_text(f'[[folder]]\npath = "{sent}"\n[folder.clean]\nafter = "14d"\n')
    assert ada("clean", "--config", config, "--dry-run").code == 0
    assert files_in(sent) == ALL
    assert ada("clean", "--config", config).code == 0
    assert files_in(sent) == set()


def test_watch_carries_the_rules_out_by_itself(ada: Agent, sent: Path, home: Path) -> None:
    config = home / "watch.toml"
    config.write_text(f'[[folder]]\npath = "{sent}"\n[folder.clean]\nafter = "14d"\n')
    with Housekeeping(Folders(home, home), lambda: read_config(config, read_portals(home)), first_after=0):
        until = time.monotonic() + 60
        while files_in(sent) and time.monotonic() < until:
            time.sleep(0.02)
    assert files_in(sent) == set()


def test_trouble_with_a_rule_stops_nothing(
    ada: Agent, portal: PortalToLookAt, sent: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(portal_reader, "DELAYS", ())
    config = home / "watch.toml"
    config.write_text(f'[[folder]]\npath = "{sent}"\n[folder.clean]\nafter = "14d"\n')
    housekeeping = Housekeeping(Folders(home, home), lambda: read_config(config, read_portals(home)))
    portal.faults = [Fault("GET", times=9)]
    housekeeping.clean()
    config.unlink()
    housekeeping.clean()
    assert files_in(sent) == ALL


@pytest.mark.parametrize("rule", ['when = "file"', 'after = "soon"', 'after = "14d"\nwhen = "never"', "ever = 1"])
def test_a_rule_with_a_mistake_removes_nothing(ada: Agent, sent: Path, tmp_path: Path, rule: str) -> None:
    config = tmp_path / "watch.toml"
    config.write_text(f'[[folder]]\npath = "{sent}"\n[folder.clean]\n{rule}\n')
    told = ada("clean", "--config", config)
    assert (told.code, "watch.toml" in told.err) == (2, True)
    assert files_in(sent) == ALL


def test_json_is_one_document(ada: Agent, sent: Path) -> None:
    document = ada("clean", "--older-than", "14d", "--json").document
    assert document["dry_run"] is True
    assert {file["result"] for file in document["files"]} == {"would_remove"}
    assert document["bytes"] == {"would_remove": 9000}


def test_an_age_is_needed_and_has_to_be_one(ada: Agent) -> None:
    assert ada("clean", "--yes").code == 2
    wrong = ada("clean", "--older-than", "soon")
    assert (wrong.code, "write a number and s, m, h, d or w" in wrong.err) == (2, True)


def test_what_changes_in_the_last_moment_stays(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"a")
    seen = look_below([str(tmp_path)], str(file))
    file.write_bytes(b"another")
    with pytest.raises(SourceChanged):
        remove([str(tmp_path)], str(file), seen)
    assert file.read_bytes() == b"another"


def test_spans_of_time() -> None:
    assert [in_seconds(text) for text in ("90s", "15m", "12h", "14d", "2w", "1.5H")] == [
        90,
        900,
        43200,
        1209600,
        1209600,
        5400,
    ]
    spans = [span_in_words(seconds) for seconds in (-5, 45, 600, 7200, 1209600)]
    assert spans == [
        "0 s",
        "45 s",
        "10 min",
        "2 h",
        "14 d",
    ]
