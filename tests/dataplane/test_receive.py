"""Nothing is recorded that is not durable, and what came is kept however the body ends."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from dataplane import receive as receive_module
from dataplane.errors import BodyCut, NoRoom, SyncFailed, TakenOver
from dataplane.receive import receive
from dataplane.staging import StagingArea
from dataplane.staging_writer import StagingWriter

ID = "upload-1"
EVERY = 1000


class Pieces:
    """A body that does what the script says: bytes, None for a silent second, an error to raise."""

    def __init__(self, *script: bytes | Exception | None) -> None:
        self._script: Iterator[bytes | Exception | None] = iter(script)

    def read(self, size: int) -> bytes | None:
        step = next(self._script, b"")
        if isinstance(step, Exception):
            raise step
        assert step is None or len(step) <= size
        return step


@pytest.fixture
def writer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterable[StagingWriter]:
    monkeypatch.setattr(receive_module, "RECORD_EVERY", EVERY)
    area = StagingArea(tmp_path)
    area.prepare()
    with area.open(ID, recorded=0) as writer:
        yield writer


def never() -> bool:
    return False


def test_the_offset_is_recorded_often_and_at_the_end(writer: StagingWriter) -> None:
    recorded: list[int] = []
    receive(Pieces(*[b"x" * 250] * 10), writer, 2500, record=recorded.append, stop_requested=never)
    assert recorded == [1000, 2000, 2500]


def test_every_record_follows_a_flush(writer: StagingWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    trace: list[str] = []
    real_write, real_sync = os.pwrite, os.fdatasync

    def write(descriptor: int, data: memoryview, offset: int) -> int:
        trace.append("write")
        return real_write(descriptor, data, offset)

    def flush(descriptor: int) -> None:
        trace.append("flush")
        real_sync(descriptor)

    monkeypatch.setattr(os, "pwrite", write)
    monkeypatch.setattr(os, "fdatasync", flush)
    receive(
        Pieces(*[b"x" * 500] * 3),
        writer,
        1500,
        record=lambda o: trace.append(f"record {o}"),
        stop_requested=never,
    )
    assert [step for step in trace if step != "flush"] == [
        "write",
        "write",
        "record 1000",
        "write",
        "record 1500",
    ]
    for place, step in enumerate(trace):
        if step.startswith("record"):
            assert trace[place - 1] == "flush"


@pytest.mark.parametrize("ending", [b"", BodyCut("the line broke")])
def test_an_interrupted_body_is_kept_as_far_as_it_came(writer: StagingWriter, ending: bytes | Exception) -> None:
    recorded: list[int] = []
    with pytest.raises(BodyCut):
        receive(Pieces(b"x" * 250, ending), writer, 2500, record=recorded.append, stop_requested=never)
    assert recorded == [250]


def test_a_silent_sender_notices_a_newer_request(writer: StagingWriter) -> None:
    recorded: list[int] = []
    asked = iter([False, False, True])
    with pytest.raises(TakenOver):
        receive(
            Pieces(b"x" * 250, None, None),
            writer,
            2500,
            record=recorded.append,
            stop_requested=lambda: next(asked),
        )
    assert recorded == [250]


def test_a_full_disk_keeps_what_fitted(writer: StagingWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded: list[int] = []
    real = os.pwrite

    def nearly_full(descriptor: int, data: memoryview, offset: int) -> int:
        if offset >= 300:
            raise OSError(28, "No space left on device")
        return real(descriptor, data[: 300 - offset], offset)

    monkeypatch.setattr(os, "pwrite", nearly_full)
    with pytest.raises(NoRoom):
        receive(Pieces(*[b"x" * 200] * 5), writer, 1000, record=recorded.append, stop_requested=never)
    assert recorded == [300]


def test_a_failed_flush_is_neither_recorded_nor_tried_again(
    writer: StagingWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded: list[int] = []
    tries: list[int] = []

    def fail(descriptor: int) -> None:
        tries.append(descriptor)
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", fail)
    with pytest.raises(SyncFailed):
        receive(Pieces(b"x" * 250), writer, 250, record=recorded.append, stop_requested=never)
    assert recorded == []
    assert len(tries) == 1


def test_never_more_than_the_length_is_taken(writer: StagingWriter, tmp_path: Path) -> None:
    class Endless:
        def read(self, size: int) -> bytes:
            return b"x" * size

    receive(Endless(), writer, 1234, record=lambda offset: None, stop_requested=never)
    assert (tmp_path / ID).stat().st_size == 1234
