"""Ada, an instrument PC: her token, and the requests she makes."""

import hashlib
import json
from base64 import b64encode
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.http import HttpResponse
from django.test import Client

from portal.celery import app
from portal.models import DataFile, Dataset, Instrument, Project, User
from uploads.models import UploadToken, new_token, token_digest

OFFSET_TYPE = "application/offset+octet-stream"


class Pc:
    """Speaks to the portal as the agent does, with an upload token."""

    @staticmethod
    def sha256(data: bytes) -> str:
        return hashlib.sha256(data).hexdigest()

    def __init__(self, secret: str, token: UploadToken) -> None:
        self.secret = secret
        self.token = token
        self.client = Client(headers={"Authorization": f"Bearer {secret}"})

    # --- the JSON API

    def get(self, path: str, question: dict[str, str] | None = None) -> Any:
        return self.client.get(f"/api/v1{path}", question)

    def post(self, path: str, document: object = None) -> Any:
        return self.client.post(f"/api/v1{path}", json.dumps(document), content_type="application/json")

    def make_dataset(self, **fields: object) -> Dataset:
        answer = self.post("/datasets", {"client_key": str(uuid4()), "title": "A run", **fields})
        assert answer.status_code == 201, answer.content
        return Dataset.objects.get(pk=answer.json()["id"])

    def announce(self, dataset: Dataset, *files: dict[str, object]) -> Any:
        return self.post(f"/datasets/{dataset.pk}/files", {"files": list(files)})

    def close(self, dataset: Dataset) -> Any:
        return self.post(f"/datasets/{dataset.pk}/close")

    # --- tus

    def tus(self, method: str, address: str = "/tus/", body: bytes = b"", **headers: object) -> HttpResponse:
        sent = {"Tus-Resumable": "1.0.0"} | {k.replace("_", "-"): str(v) for k, v in headers.items()}
        kind = OFFSET_TYPE if body or method == "PATCH" else ""
        answer = self.client.generic(method, address, body, content_type=kind, headers=sent)
        assert isinstance(answer, HttpResponse)
        return answer

    def create(
        self,
        length: int,
        body: bytes = b"",
        *,
        dataset: Dataset | None = None,
        path: str | bytes | None = "scan.tif",
        **metadata: object,
    ) -> HttpResponse:
        values = {"dataset": dataset and dataset.pk, "path": path, **metadata}
        header = ",".join(f"{key} {encoded(value)}" for key, value in values.items() if value is not None)
        return self.tus("POST", body=body, Upload_Length=length, Upload_Metadata=header)

    def start(self, length: int, *, dataset: Dataset, path: str = "scan.tif", **metadata: object) -> str:
        """The address of an upload without bytes yet."""
        answer = self.create(length, b"", dataset=dataset, path=path, **metadata)
        assert answer.status_code == 201, answer.content
        return answer["Location"]

    def patch(self, address: str, offset: int, body: bytes) -> HttpResponse:
        return self.tus("PATCH", address, body, Upload_Offset=offset)

    def send(self, dataset: Dataset, path: str, data: bytes, *, stated: str | None = None) -> DataFile:
        """A whole file with its checksum, in one request."""
        answer = self.create(
            len(data), data, dataset=dataset, path=path, sha256=self.sha256(data) if stated is None else stated
        )
        assert answer.status_code == 201, answer.content
        return DataFile.objects.current().get(dataset=dataset, path=path)


def encoded(value: object) -> str:
    return b64encode(value if isinstance(value, bytes) else str(value).encode()).decode()


MakePc = Callable[..., Pc]


@pytest.fixture
def make_pc(project: Project, instrument: Instrument, alice: User) -> MakePc:
    def make(label: str = "Krios 2, control PC", **fields: Any) -> Pc:
        secret = new_token()
        values = {"project": project, "instrument": instrument, "created_by": alice, **fields}
        token = UploadToken.objects.create(label=label, digest=token_digest(secret), **values)
        return Pc(secret, token)

    return make


@pytest.fixture
def ada(make_pc: MakePc) -> Pc:
    return make_pc(notification_emails=["em-staff@facility.example"])


@pytest.fixture
def dataset(ada: Pc) -> Dataset:
    return ada.make_dataset()


@pytest.fixture(autouse=True)
def real_commits(transactional_db: None) -> None:
    """What is to happen after a commit happens: bells ring, replaced bytes go."""


@pytest.fixture
def worker(bells: Any) -> Callable[[], None]:
    """Does what this room was rung for, until nothing more is; what other rooms are asked for stays in `bells`."""

    def work() -> None:
        others = []
        while bells:
            name, ids = bells.pop(0)
            if name.startswith("uploads."):
                app.tasks[name].apply(args=list(ids), throw=True)
            else:
                others.append((name, ids))
        bells[:] = others

    return work
