"""P10: uploads through the real application behave as a model of a few lines does, whatever comes in which order."""

import hashlib
from base64 import b64encode
from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, Phase
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from portal.models import DataFile, Project, User
from portal.storage import received_key, store
from tests.faults.conftest import Found
from tests.faults.sizes import times
from uploads.models import Upload, UploadToken, new_token, token_digest
from uploads.services.stop import staging_area
from uploads.services.sweep import expire_uploads

RUNS = times(200, 3_000)
pytestmark = [pytest.mark.promise("P10"), pytest.mark.django_db(transaction=True)]
SIZES = st.integers(0, 40)


@dataclass
class Modelled:
    """What a client may rely on: an upload is open, finished or gone, and `offset` bytes of `data` are kept."""

    address: str
    data: bytes
    offset: int = 0
    gone: bool = False

    @property
    def finished(self) -> bool:
        return not self.gone and self.offset == len(self.data)

    @property
    def upload_id(self) -> str:
        return self.address.rpartition("/")[2]


class Uploads(RuleBasedStateMachine):
    """POST, PATCH, HEAD, DELETE, expiry, and a server that died after writing more than it had recorded."""

    uploads = Bundle("uploads")
    client: Client
    dataset: str

    def __init__(self) -> None:
        super().__init__()
        self.all: list[Modelled] = []

    @rule(target=uploads, data=st.binary(max_size=40), along=SIZES)
    def post(self, data: bytes, along: int) -> Modelled:
        values = {"dataset": self.dataset, "path": f"{uuid4()}.tif", "sha256": hashlib.sha256(data).hexdigest()}
        metadata = ",".join(f"{key} {b64encode(value.encode()).decode()}" for key, value in values.items())
        answer = self._ask("POST", "/tus/", data[:along], {"Upload-Length": len(data), "Upload-Metadata": metadata})
        assert answer.status_code == 201, answer.content
        upload = Modelled(answer["Location"], data, len(data[:along]))
        self.all.append(upload)
        return upload

    @rule(upload=uploads, offset=SIZES, right=st.booleans(), length=st.integers(0, 60))
    def patch(self, upload: Modelled, offset: int, right: bool, length: int) -> None:
        start = upload.offset if right else offset
        body = (upload.data + b"too much" * 8)[start : start + length]
        if not body:
            return  # the test client would leave the Content-Type away
        answer = self._ask("PATCH", upload.address, body, {"Upload-Offset": start})
        if upload.gone:
            assert answer.status_code in (404, 410)
        elif start != upload.offset:
            assert answer.status_code == 409
        elif start + len(body) > len(upload.data):
            assert answer.status_code == 413
        else:
            assert (answer.status_code, answer["Upload-Offset"]) == (204, str(start + len(body)))
            upload.offset += len(body)

    @rule(upload=uploads, lacking=st.integers(1, 10))
    def patch_whose_line_is_cut(self, upload: Modelled, lacking: int) -> None:
        rest = upload.data[upload.offset :]
        if upload.gone or len(rest) <= lacking:
            return
        answer = self._ask("PATCH", upload.address, rest[:-lacking], {"Upload-Offset": upload.offset}, len(rest))
        assert answer.status_code >= 400
        upload.offset += len(rest) - lacking

    @rule(upload=uploads)
    def head(self, upload: Modelled) -> None:
        answer = self._ask("HEAD", upload.address)
        assert answer.status_code in ((404, 410) if upload.gone else (200,))
        assert upload.gone or answer["Upload-Offset"] == str(upload.offset)

    @rule(upload=uploads)
    def delete(self, upload: Modelled) -> None:
        answer = self._ask("DELETE", upload.address)
        if upload.gone:
            assert answer.status_code in (404, 410)
        elif upload.finished:
            assert 400 <= answer.status_code < 500
        else:
            assert answer.status_code == 204
            upload.gone = True

    @rule(upload=uploads)
    def expire(self, upload: Modelled) -> None:
        now = timezone.now()
        Upload.objects.filter(pk=upload.upload_id).update(expires_at=now)
        expire_uploads(now=now + timedelta(seconds=1))
        upload.gone = upload.gone or not upload.finished

    @rule(upload=uploads, more=st.binary(min_size=1, max_size=30))
    def crash_before_the_offset_was_recorded(self, upload: Modelled, more: bytes) -> None:
        if not upload.gone and not upload.finished:
            with staging_area().path(upload.upload_id).open("ab") as staged:
                staged.write(more)

    @invariant()
    def what_is_kept_is_what_was_sent(self) -> None:
        for upload in self.all:
            if not upload.gone:
                assert stored(upload.upload_id)[: upload.offset] == upload.data[: upload.offset]

    def teardown(self) -> None:
        for upload in self.all:
            assert not upload.gone or not stored(upload.upload_id), "bytes of an upload that is over"
        gone = [upload.upload_id for upload in self.all if upload.gone]
        assert not DataFile.objects.filter(uploads__in=gone).exists(), "a file whose upload is over"

    def _ask(
        self, method: str, address: str, body: bytes = b"", headers: dict[str, Any] | None = None, length: int = 0
    ) -> Any:
        kind = "application/offset+octet-stream" if body or method == "PATCH" else ""
        told = {name: str(value) for name, value in (headers or {}).items()}
        more: dict[str, Any] = {"CONTENT_LENGTH": str(length), "wsgi.input": BytesIO(body)} if length else {}
        return self.client.generic(method, address, body, content_type=kind, headers=told, **more)


def stored(upload_id: str) -> bytes:
    for place in (store().path(received_key(upload_id)), staging_area().path(upload_id)):
        if place.exists():
            return place.read_bytes()
    return b""


@pytest.fixture
def machine(project: Project, alice: User) -> type[Uploads]:
    secret = new_token()
    UploadToken.objects.create(label="Ada", digest=token_digest(secret), project=project, created_by=alice)
    pc = Client(headers={"Authorization": f"Bearer {secret}", "Tus-Resumable": "1.0.0"})
    answer = pc.post("/api/v1/datasets", {"client_key": str(uuid4()), "title": "M"}, content_type="application/json")
    return type("UploadsHere", (Uploads,), {"client": pc, "dataset": answer.json()["id"]})


def run(machine: type[Uploads], runs: int) -> None:
    chosen = hypothesis_settings(
        max_examples=runs,
        stateful_step_count=15,
        deadline=None,
        derandomize=True,
        database=None,
        report_multiple_bugs=False,
        phases=[Phase.generate],  # shrinking a failure would take minutes
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(machine, settings=chosen)


@pytest.mark.slow
def test_uploads_behave_as_their_model(machine: type[Uploads], found: Found) -> None:
    run(machine, RUNS)
    found(f"{RUNS} runs of up to 15 steps, derandomised; {Upload.objects.count()} uploads")


@pytest.mark.slow
def test_an_upload_that_outlives_its_end_would_be_noticed(
    machine: type[Uploads], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted: giving an upload up is acknowledged and not done."""
    monkeypatch.setattr("uploads.gate.tus.terminate_upload", lambda upload_id: None)
    with pytest.raises(AssertionError):
        run(machine, 100)
