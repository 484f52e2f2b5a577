"""The bench of downloads itself: what it is told is understood, and its arithmetic holds. Speed is not tested here."""

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

from bench import downloads
from bench.figures import Figure
from bench.rounds import interleaved, medians
from bench.stage import Stage
from bench.web_client import equal_spans
from peers.caddy import DEPLOYED, UPSTREAM


def one_figure(_portal: Stage, quick: bool) -> Iterator[Figure]:
    yield Figure("small" if quick else "full", "MB/s", 4, "make bench", {"a": 1, "b": 2}, notes={"a": "starts over"})


def test_only_the_rows_asked_for_are_measured_and_written_down(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(downloads, "stage", lambda **_settings: nullcontext())
    monkeypatch.setitem(downloads.ROWS, "slow", one_figure)
    downloads.main(["--only", "slow", "--scale", "small", "--json", str(tmp_path / "figures.json")])
    assert capsys.readouterr().out.startswith("small: 4 MB/s   a: 1   b: 2   ratio 2.0\n    a: starts over\n")
    assert '"ratio_to_best_peer": 2.0' in (tmp_path / "figures.json").read_text()


def test_a_row_that_is_not_there_is_refused_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        downloads.main(["--only", "zap"])
    assert "'zip', 'file', 'get', 'million', 'slow', 'push'" in capsys.readouterr().err


def test_contenders_take_turns_after_a_warm_up() -> None:
    turns: list[str] = []

    def take_turn(name: str) -> int:
        turns.append(name)
        return len(turns)

    seen = interleaved({"a": lambda: take_turn("a"), "b": lambda: take_turn("b")}, 3)
    assert "".join(turns) == "abababab"
    assert medians(seen, float) == {"a": 5.0, "b": 6.0}


def test_ranges_are_the_whole_and_nothing_twice() -> None:
    assert equal_spans(10, 3) == ["0-2", "3-5", "6-9"]


def test_caddyfile_names_what_the_bench_puts_its_own_portal_for() -> None:
    assert UPSTREAM in DEPLOYED.read_text()
