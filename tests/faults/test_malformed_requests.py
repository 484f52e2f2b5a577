"""P10: no request to the tus endpoint and no Range gives a 5xx, a stray file or a leaked row."""

import hashlib
import os
import random
import re
from base64 import b64encode
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from dataplane.ranges import wanted_spans
from dataplane.spans import Span
from portal.models import DataFile, Dataset, Project, User
from tests.faults.conftest import Found
from tests.faults.sizes import times
from uploads.models import Bundle, Upload, UploadToken, new_token, token_digest
from uploads.services.sweep import expire_uploads, forget_ended_uploads
from uploads.services.work import verify_waiting

SEED = 20_261_121
REQUESTS = times(1_000, 20_000)
pytestmark = [pytest.mark.promise("P10"), pytest.mark.django_db(transaction=True)]

NUMBERS = ["0", "1", "5", "10", "-1", "+5", "5.0", "1e3", "0x5", "", " 5", "٣", "9" * 18, "9" * 19, "9" * 400, "5,5"]
GOOD = [f"run/{number}.tif" for number in range(40)]
NAMES = [
    "a", "a/b", "../a", "/etc/passwd", "a/../../b", "c:\\x", "a\0b", "a\r\nb", "x" * 300, "NUL", ".", "", " ", "a//b",
    "\u202egpj", "\udcff", "ä/ö", "a" + "\u0301" * 40, "/".join(["d"] * 600), ".received/x", "..\\..\\x", "%2e%2e/x",
]  # fmt: skip
KEYS = [
    "path",
    "filename",
    "relativePath",
    "dataset",
    "sha256",
    "mtime_ns",
    "kind",
    "files",
    "manifest",
    "",
    "ä",
    "a b",
]
VALUES = ["bundle", "0" * 64, "f" * 63, "1", "-1", "10001", "9" * 30, "512", "00000000-0000-0000-0000-000000000000"]
STRANGE = ["/tus/x", "/tus/" + "0" * 32, "/tus/%00", "/tus/..%2f..%2fetc", "/tus/" + "a" * 3000, "/tus/é"]
WRONG = {
    "Tus-Resumable": ["0.2.2", "", "1", "x" * 5000],
    "Content-Type": ["text/plain", "", "multipart/form-data"],
    "Upload-Metadata": ["path", "path ====", "path YQ==,path YQ==", ",", "é", "x" * 9000],
    "Upload-Length": NUMBERS,
    "Upload-Offset": NUMBERS,
    "Upload-Defer-Length": ["1", "0", "true", ""],
    "Upload-Concat": ["partial", "final;", "final;/tus/x", "final;{upload}", "final;{upload} {upload}", "finale"],
    "Upload-Checksum": ["sha1 AAAA", "md5 AAAA", "sha256", "sha1 " + "A" * 27 + "=", "\x7f"],
    "X-HTTP-Method-Override": ["PATCH", "DELETE", "BREW", ""],
}
METHODS = ["POST"] * 5 + ["PATCH"] * 4 + ["HEAD", "DELETE", "GET", "PUT", "OPTIONS", "BREW"]


class Grammar:
    """Requests that are right but for up to three headers, and sometimes the address or a name."""

    def __init__(self, seed: int, dataset: str) -> None:
        self._chance = random.Random(seed)  # noqa: S311  (the same requests each time)
        self._dataset = dataset
        self.known: list[str] = []

    def request(self) -> tuple[str, str, bytes, dict[str, str]]:
        chance = self._chance
        method, body = chance.choice(METHODS), chance.randbytes(chance.choice([0, 0, 1, 5, 10, 2000]))
        headers = {
            "Tus-Resumable": "1.0.0",
            "Content-Type": "application/offset+octet-stream",
            "Upload-Metadata": self._metadata(),
        }
        if method == "PATCH":
            headers["Upload-Offset"] = chance.choice(["0", str(len(body))])
        else:
            headers["Upload-Length"] = str(len(body) + chance.choice([0, 0, len(body), 10]))
        for _ in range(chance.choice([0, 1, 1, 2, 3])):
            self._spoil(headers)
        return method, self._address(method), body, headers

    def _spoil(self, headers: dict[str, str]) -> None:
        """One header goes, or comes, or says something else."""
        name = self._chance.choice(list(WRONG))
        if self._chance.random() < 0.2:
            headers.pop(name, None)
        else:
            headers[name] = self._chance.choice(WRONG[name]).format(upload=self._known())

    def _address(self, method: str) -> str:
        place = self._chance.random()
        if place < 0.05:
            return self._chance.choice(STRANGE)
        return "/tus/" if (method == "POST") == (place < 0.95) else self._known()

    def _known(self) -> str:
        return self._chance.choice(self.known[-20:] or STRANGE)

    def _metadata(self) -> str:
        chance = self._chance
        pairs = {"dataset": self._dataset, "path": chance.choice([*NAMES, *GOOD])} if chance.random() < 0.9 else {}
        for _ in range(chance.choice([0, 0, 1, 3])):
            pairs[chance.choice(KEYS)] = chance.choice(VALUES + NAMES)
        told = [f"{key} {b64encode(value.encode(errors='surrogatepass')).decode()}" for key, value in pairs.items()]
        text = chance.choice([",", ",", ",", ",,", " , ", ";"]).join(told)
        return text if chance.random() < 0.95 else text[: chance.randrange(len(text) + 1)] + chance.choice("=,\x7f é")


@pytest.fixture
def pc(project: Project, alice: User) -> Client:
    secret = new_token()
    UploadToken.objects.create(label="Ada", digest=token_digest(secret), project=project, created_by=alice)
    return Client(headers={"Authorization": f"Bearer {secret}"}, raise_request_exception=False)


@pytest.fixture
def dataset(pc: Client) -> str:
    key = {"client_key": "5b0d0d7e-97a4-4a53-9df5-6ba8f4a1f8d1", "title": "Malformed"}
    answer = pc.post("/api/v1/datasets", key, content_type="application/json")
    return str(answer.json()["id"])


def send(pc: Client, grammar: Grammar, count: int) -> Counter[int]:
    statuses: Counter[int] = Counter()
    for number in range(count):
        method, address, body, headers = grammar.request()
        kind = headers.pop("Content-Type", "")
        answer = pc.generic(method, address, body, content_type=kind, headers=headers)
        assert answer.status_code < 500 or answer.status_code == 507, (number, method, address, headers, answer.content)
        statuses[answer.status_code] += 1
        if answer.status_code == 201:
            grammar.known.append("/tus/" + answer["Location"].rpartition("/")[2])
    return statuses


@pytest.mark.slow
def test_malformed_uploads_give_no_5xx_and_leave_nothing(
    pc: Client, dataset: str, tmp_path: Path, settings: Settings, found: Found
) -> None:
    statuses = send(pc, Grammar(SEED, dataset), REQUESTS)
    found(f"{REQUESTS} requests, seed {SEED}; answers {dict(sorted(statuses.items()))}")
    assert len(statuses) > 5, "the grammar hits one refusal only"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["files", "staging"]
    assert {path.name for path in Path(settings.FILES_ROOT).iterdir()} <= {".received", ".versions", ".arriving"}
    check_nothing_leaked(settings)


def check_nothing_leaked(settings: Settings) -> None:
    """Once what was begun has expired, only whole files are left, each with its row and its bytes."""
    late = timezone.now() + settings.UPLOAD_EXPIRY + timedelta(minutes=1)
    expire_uploads(now=late)
    forget_ended_uploads(now=late + 3 * settings.UPLOAD_EXPIRY)
    assert not Upload.objects.exclude(state=Upload.State.FINISHED).exists()
    assert not DataFile.objects.filter(state=DataFile.State.EXPECTED).exists()
    assert not [path for path in Path(settings.STAGING_ROOT).iterdir() if path.is_file()]
    for dataset in Dataset.objects.all():
        rows = DataFile.objects.current().filter(dataset=dataset)
        assert (dataset.file_count, dataset.received_count) == (rows.count(), rows.count())
    stored = {path.name for path in Path(settings.FILES_ROOT).rglob("*") if path.is_file()}
    keys = (
        DataFile.objects.current().values_list("received_key", flat=True),
        Bundle.objects.values_list("received_key", flat=True),
    )
    assert stored == {Path(key).name for key in (*keys[0], *keys[1]) if key}


def test_an_error_of_the_server_would_be_noticed(pc: Client, dataset: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted: metadata that is no Base64 is not refused but breaks."""
    monkeypatch.setattr("dataplane.tus_headers.HeaderRefused", ZeroDivisionError)
    with pytest.raises(AssertionError, match=r"POST|PATCH"):
        send(pc, Grammar(SEED, dataset), 200)


@pytest.mark.slow
def test_a_leaked_row_would_be_noticed(
    pc: Client, dataset: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted: uploads that end leave the count of the file that only they brought."""
    monkeypatch.setattr("uploads.services.stop.apply_change", lambda *_: None)
    metadata = f"dataset {b64encode(dataset.encode()).decode()},path YQ=="
    begun = pc.generic(
        "POST", "/tus/", headers={"Tus-Resumable": "1.0.0", "Upload-Length": "5", "Upload-Metadata": metadata}
    )
    assert begun.status_code == 201
    assert DataFile.objects.filter(state=DataFile.State.EXPECTED).exists()
    with pytest.raises(AssertionError):
        check_nothing_leaked(settings)


# --- ranges of a download

CONTENT = os.urandom(5_000)
PLAIN = re.compile(r"bytes=(?:([0-9]+)-([0-9]*)|-([0-9]+))")
SEVERAL = re.compile(r'multipart/byteranges; ?boundary="?([^"]+)"?')
RANGE = re.compile(r"bytes (\d+)-(\d+)/5000")


def any_range(chance: random.Random) -> str:
    def number() -> str:
        return str(chance.choice([0, 1, 4_999, 5_000, chance.randrange(6_000), 10**18, 10**30]))

    def ends() -> str:
        return chance.choice([f"{number()}-{number()}", f"{number()}-", f"-{number()}", "-", number(), "a-b"])

    text = chance.choice(["bytes=", "bytes=", "bytes=", "Bytes = ", "items=", "bytes", ""])
    text += chance.choice([",", ", ", ",,"]).join(ends() for _ in range(chance.choice([1, 1, 1, 2, 30])))
    if chance.random() < 0.1:
        place = chance.randrange(len(text) + 1)
        text = text[:place] + chance.choice(" -=,\t٣\x7f+") + text[place:]
    return text


def one_byte_short(header: str | None, total: int) -> list[Span] | None:
    spans = wanted_spans(header, total)
    return spans and [(first, max(first + 1, last - 1)) for first, last in spans]


def the_end_breaks(header: str | None, total: int) -> list[Span] | None:
    spans = wanted_spans(header, total)
    if header and str(total) in header:
        raise ZeroDivisionError
    return spans


@pytest.mark.slow
def test_any_range_of_a_download_is_a_slice_the_whole_or_416(
    pc: Client, dataset: str, sign_in: Callable[[User], Client], alice: User, found: Found
) -> None:
    statuses = ask_ranges(sign_in(alice), verified_download(pc, dataset), REQUESTS)
    found(f"{REQUESTS} Range headers, seed {SEED}; answers {dict(sorted(statuses.items()))}")
    assert set(statuses) == {200, 206, 416}


def ask_ranges(browser: Client, url: str, count: int) -> Counter[int]:
    chance, statuses = random.Random(SEED), Counter[int]()  # noqa: S311  (the same ranges each time)
    for _ in range(count):
        asked = any_range(chance)
        answer: Any = browser.get(url, headers={"Range": asked})
        statuses[answer.status_code] += 1
        check_slice(asked, answer, b"".join(answer.streaming_content) if answer.streaming else answer.content)
    return statuses


@pytest.mark.parametrize("fault", [one_byte_short, the_end_breaks], ids=["short", "breaks"])
def test_a_wrong_answer_to_a_range_would_be_noticed(
    pc: Client,
    dataset: str,
    sign_in: Callable[[User], Client],
    alice: User,
    monkeypatch: pytest.MonkeyPatch,
    fault: Callable[[str | None, int], list[Span] | None],
) -> None:
    """Planted: the last byte of a range is left out; a range that names the end breaks."""
    monkeypatch.setattr("sharing.gate.downloads.wanted_spans", fault)
    browser, url = sign_in(alice), verified_download(pc, dataset)
    browser.raise_request_exception = False
    with pytest.raises(AssertionError):
        ask_ranges(browser, url, 200)


def check_slice(asked: str, answer: Any, body: bytes) -> None:
    assert answer.status_code in {200, 206, 416}, (asked, answer.status_code)
    if meant := plainly_meant(asked):
        assert (answer.status_code, answer.get("Content-Range")) == (206, meant), asked
    if answer.status_code == 200:
        assert body == CONTENT, asked
    elif answer.status_code == 206:
        assert int(answer["Content-Length"]) == len(body), asked
        for told, part in parts_of(answer, body):
            match = RANGE.fullmatch(told)
            assert match, (asked, told)
            assert part == CONTENT[int(match[1]) : int(match[2]) + 1], (asked, told)
    else:
        assert answer["Content-Range"] == "bytes */5000"


def plainly_meant(asked: str) -> str:
    """The Content-Range that one well-formed range must bring; empty for what is less plain."""
    match = PLAIN.fullmatch(asked)
    if not match:
        return ""
    first = int(match[1]) if match[1] else max(0, 5_000 - int(match[3]))
    last = min(int(match[2]), 4_999) if match[2] else 4_999
    return f"bytes {first}-{last}/5000" if first <= last else ""


def parts_of(answer: Any, body: bytes) -> list[tuple[str, bytes]]:
    """What each Content-Range of a 206 brings."""
    several = SEVERAL.fullmatch(answer["Content-Type"])
    if several is None:
        return [(answer["Content-Range"], body)]
    before, *parts, end = body.split(b"\r\n--" + several[1].encode())
    assert (before.strip(), end.strip()) == (b"", b"--"), (before, end)
    heads = [part.partition(b"\r\n\r\n") for part in parts]
    told = [re.search(r"(?im)^content-range: *(.*?)\r?$", head.decode()) for head, _, _ in heads]
    return [(match[1] if match else "", content) for match, (_, _, content) in zip(told, heads, strict=True)]


def verified_download(pc: Client, dataset: str) -> str:
    """The address of a file that arrived and was verified."""
    values = {"dataset": dataset, "path": "scan.mrc", "sha256": hashlib.sha256(CONTENT).hexdigest()}
    metadata = ",".join(f"{key} {b64encode(value.encode()).decode()}" for key, value in values.items())
    headers = {"Tus-Resumable": "1.0.0", "Upload-Length": "5000", "Upload-Metadata": metadata}
    kind = "application/offset+octet-stream"
    assert pc.generic("POST", "/tus/", CONTENT, content_type=kind, headers=headers).status_code == 201
    verify_waiting(clock=timezone.now)
    assert pc.post(f"/api/v1/datasets/{dataset}/close").status_code == 200
    return f"/datasets/{dataset}/download/files/scan.mrc"
