"""Making datasets, announcing files, asking and closing, over /api/v1."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from pytest_django import DjangoAssertNumQueries

from portal.models import AuditEvent, DataFile, Dataset, Project
from uploads.services.datasets import dataset_name

WISH = {
    "title": "Grid 4, session 2",
    "description": "Ribosomes\nin ice",
    "keywords": ["cryo", "ribosome", "cryo"],
    "metadata": {"voltage": "300 kV"},
    "investigation": "BAG-7",
    "recipients": ["Rita@University.example", "rita@university.example"],
}


def counts(dataset: Dataset) -> tuple[int, int, int, int]:
    dataset.refresh_from_db()
    return dataset.file_count, dataset.received_count, dataset.verified_count, dataset.corrupt_count


def test_the_connection_says_where_and_how_much(ada: Any) -> None:
    answer = ada.get("/connection").json()
    assert answer["project"] == {"code": "em", "name": "Electron microscopy"}
    assert answer["instrument"] == {"slug": "krios-2", "name": "Krios 2"}
    assert answer["token_label"] == "Krios 2, control PC"
    assert answer["tus_endpoint"] == "http://testserver/tus/"
    assert answer["max_path_bytes"] == 1024
    assert set(answer) == {
        "portal_version", "project", "instrument", "token_label", "expires_at", "tus_endpoint",
        "max_file_bytes", "max_path_bytes", "agent_version_min", "agent_version_latest", "server_time",
        "metadata_template", "bundles",
    }  # fmt: skip


# --- making


def test_a_dataset_is_made_with_all_that_was_said(ada: Any) -> None:
    answer = ada.post("/datasets", {"client_key": str(uuid4()), **WISH})
    assert answer.status_code == 201
    dataset = Dataset.objects.get()
    assert answer.json()["recipients"] == ["rita@university.example"]
    assert answer.json()["state"] == "open"
    assert answer.json()["counts"]["expected"] == 0
    assert [keyword.word for keyword in dataset.keywords.all()] == ["cryo", "ribosome"]
    assert (dataset.investigation, dataset.metadata) == ("BAG-7", {"voltage": "300 kV"})
    assert dataset.instrument
    assert dataset.instrument.slug == "krios-2"
    assert dataset.operator_emails == ["em-staff@facility.example"]
    assert AuditEvent.objects.get(kind="dataset_created").actor == "Krios 2, control PC"


def test_the_same_client_key_is_the_same_dataset(ada: Any) -> None:
    wish = {"client_key": str(uuid4()), **WISH}
    first, again = ada.post("/datasets", wish), ada.post("/datasets", wish | {"title": "Another"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert Dataset.objects.count() == 1


def test_names_are_readable_unique_and_fit_for_folders() -> None:
    moment = datetime(2026, 11, 20, 18, 20, 37, 327_000, tzinfo=UTC)
    assert dataset_name("Grid 4 / Säule: ../x", moment) == "2026-11-20_18.20.37-32-grid-4-saule-x"
    assert dataset_name("数据", moment) == "2026-11-20_18.20.37-32-data"
    assert len(dataset_name("x" * 500, moment)) < 160


def test_two_datasets_of_one_moment_have_two_names(ada: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    moment = datetime(2026, 11, 20, 18, 20, 37, tzinfo=UTC)
    monkeypatch.setattr("uploads.api.timezone.now", lambda: moment)
    names = [ada.make_dataset(title="Same").name for _ in range(3)]
    assert len(set(names)) == 3
    assert names[0].startswith("2026-11-20_18.20.37-00-same")


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"recipients": ["rita"]}, "no e-mail address"),
        ({"recipients": ["rita@uni.example\nBcc: x@y.example"]}, "no e-mail address"),
        ({"title": ""}, "title"),
        ({"title": "x" * 301}, "title"),
        ({"title": "a\x00b"}, "control character"),
        ({"metadata": {"a": 5}}, "metadata"),
        ({"metadata": {"a": "\x00"}}, "control character"),
        ({"client_key": "not-a-uuid"}, "client_key"),
        ({"project": "\x00"}, "control character"),
        ({"keywords": ["x"] * 51}, "keywords"),
    ],
)
def test_a_wish_that_makes_no_sense_is_422_and_says_which_field(ada: Any, wrong: dict[str, object], word: str) -> None:
    answer = ada.post("/datasets", {"client_key": str(uuid4()), "title": "A run"} | wrong)
    assert answer.status_code == 422
    assert answer.json()["code"] == "invalid"
    assert word in answer.json()["message"]
    assert answer.json()["detail"]["fields"]
    assert Dataset.objects.count() == 0


@pytest.mark.parametrize("body", [b"", b"not json", b"[]", b'{"client_key"', b"\xff\xfe", b"null"])
def test_a_body_that_is_no_json_is_a_4xx(ada: Any, body: bytes) -> None:
    answer = ada.client.post("/api/v1/datasets", body, content_type="application/json")
    assert 400 <= answer.status_code < 500


# --- announcing


def test_files_are_announced_with_their_normalised_names(ada: Any, dataset: Dataset) -> None:
    answer = ada.announce(
        dataset,
        {"path": "Sa\u0308ule/a.tif", "size": 5, "mtime_ns": 1_700_000_000_000_000_001},
        {"path": "b.tif", "size": 0, "sha256": "AB" * 32},
    )
    assert answer.json()["files"] == [
        {"path": "Säule/a.tif", "sent_path": "Sa\u0308ule/a.tif", "size": 5, "state": "expected", "sha256": None},
        {"path": "b.tif", "sent_path": "b.tif", "size": 0, "state": "expected", "sha256": "ab" * 32},
    ]
    assert counts(dataset) == (2, 0, 0, 0)


def test_announcing_twice_is_announcing_once(ada: Any, dataset: Dataset) -> None:
    for _ in range(2):
        answer = ada.announce(dataset, {"path": "a", "size": 5, "mtime_ns": 7}, {"path": "b", "size": 6})
        assert [file["state"] for file in answer.json()["files"]] == ["expected", "expected"]
    assert counts(dataset) == (2, 0, 0, 0)
    assert dataset.bytes_expected == 11


@pytest.mark.parametrize(
    "path",
    ["../x", "/etc/passwd", "C:/x", "a\x00b", "a\nb", "x" * 300, "NUL", "", "a//b", "a\\b", "\u202egpj.exe", "\ud800"],
)
def test_one_bad_name_and_nothing_is_recorded(ada: Any, dataset: Dataset, path: str) -> None:
    answer = ada.announce(dataset, {"path": "good", "size": 1}, {"path": path, "size": 1})
    assert answer.status_code == 422
    if path != "\ud800":  # JSON that is no Unicode is refused before its names are looked at
        assert [file["path"] for file in answer.json()["detail"]["files"]] == [path]
        assert answer.json()["detail"]["files"][0]["message"].endswith(".")
    assert DataFile.objects.count() == 0


def test_names_that_differ_only_by_case_are_refused(ada: Any, dataset: Dataset) -> None:
    both = ada.announce(dataset, {"path": "Scan.tif", "size": 1}, {"path": "scan.TIF", "size": 1})
    assert both.status_code == 422
    assert ada.announce(dataset, {"path": "Scan.tif", "size": 1}).status_code == 200
    later = ada.announce(dataset, {"path": "scan.TIF", "size": 1})
    assert later.status_code == 422
    assert "differs only by case from 'Scan.tif'" in later.json()["message"]
    assert ada.create(1, b"x", dataset=dataset, path="SCAN.tif").status_code == 422


@pytest.mark.parametrize(("first", "second"), [("a", "a/b"), ("a/b", "a"), ("A/b/c", "a/B"), ("a/b", "A")])
def test_a_name_is_a_file_or_a_folder(ada: Any, dataset: Dataset, first: str, second: str) -> None:
    both = ada.announce(dataset, {"path": first, "size": 1}, {"path": second, "size": 1})
    assert both.status_code == 422
    ada.announce(dataset, {"path": first, "size": 1})
    assert ada.announce(dataset, {"path": second, "size": 1}).status_code == 422
    assert ada.create(1, b"x", dataset=dataset, path=second).status_code == 422


def test_a_checksum_can_be_stated_when_the_file_has_arrived(ada: Any, dataset: Dataset, worker: Any) -> None:
    ada.announce(dataset, {"path": "a", "size": 5})
    ada.create(5, b"01234", dataset=dataset, path="a")
    worker()
    assert counts(dataset) == (1, 1, 0, 0)
    ada.announce(dataset, {"path": "a", "size": 5, "sha256": ada.sha256(b"01234")})
    worker()
    assert counts(dataset) == (1, 0, 1, 0)


@pytest.mark.parametrize("change", [{"size": 6}, {"mtime_ns": 8}, {"sha256": "00" * 32}])
def test_another_version_begins_when_an_arrived_file_changes(
    ada: Any, dataset: Dataset, worker: Any, change: dict[str, object]
) -> None:
    said = {"path": "a", "size": 5, "mtime_ns": 7}
    ada.announce(dataset, said)
    ada.send(dataset, "a", b"01234")
    worker()
    assert counts(dataset) == (1, 0, 1, 0)
    answer = ada.announce(dataset, said | change)
    assert answer.json()["files"][0]["state"] == "expected"
    assert counts(dataset) == (1, 0, 0, 0)
    assert DataFile.objects.filter(state="superseded").count() == 1


def test_a_touched_file_with_the_same_content_is_not_sent_again(ada: Any, dataset: Dataset, worker: Any) -> None:
    ada.announce(dataset, {"path": "a", "size": 5, "mtime_ns": 7})
    ada.send(dataset, "a", b"01234")
    worker()
    said = {"path": "a", "size": 5, "mtime_ns": 8, "sha256": ada.sha256(b"01234")}
    assert ada.announce(dataset, said).json()["files"][0]["state"] == "verified"


def test_another_size_ends_an_upload_under_way(ada: Any, dataset: Dataset) -> None:
    ada.announce(dataset, {"path": "a", "size": 10})
    address = ada.start(10, dataset=dataset, path="a")
    ada.announce(dataset, {"path": "a", "size": 12})
    assert ada.patch(address, 0, b"0123").status_code == 410
    assert counts(dataset) == (1, 0, 0, 0)
    assert dataset.bytes_expected == 12


def test_an_upload_has_the_announced_size(ada: Any, dataset: Dataset) -> None:
    ada.announce(dataset, {"path": "a", "size": 10})
    answer = ada.create(9, b"012345678", dataset=dataset, path="a")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert DataFile.objects.get().state == "expected"


def test_more_than_a_thousand_files_a_call_are_refused(ada: Any, dataset: Dataset) -> None:
    files = [{"path": f"f{n}", "size": 1} for n in range(1001)]
    assert ada.announce(dataset, *files).status_code == 422


def test_a_file_over_the_limit_is_refused(ada: Any, dataset: Dataset, settings: Any) -> None:
    settings.MAX_FILE_BYTES = 100
    assert ada.announce(dataset, {"path": "a", "size": 101}).status_code == 422
    assert ada.create(101, dataset=dataset, path="a").status_code == 413
    assert ada.announce(dataset, {"path": "a", "size": 2**63}).status_code == 422
    assert ada.announce(dataset, {"path": "a", "size": -1}).status_code == 422


def test_a_thousand_files_cost_few_queries(
    ada: Any, dataset: Dataset, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    files = [{"path": f"run {n // 100}/f{n}.tif", "size": n, "mtime_ns": n} for n in range(1000)]
    with django_assert_max_num_queries(60):
        assert ada.announce(dataset, *files).status_code == 200
    with django_assert_max_num_queries(20):
        assert ada.announce(dataset, *files).status_code == 200
    with django_assert_max_num_queries(40):
        assert ada.announce(dataset, *[file | {"sha256": "ab" * 32} for file in files]).status_code == 200
    assert counts(dataset) == (1000, 0, 0, 0)


# --- asking


def test_files_are_queried_by_name(ada: Any, dataset: Dataset, worker: Any) -> None:
    ada.send(dataset, "a", b"01234")
    ada.send(dataset, "b", b"01234", stated="00" * 32)
    ada.announce(dataset, {"path": "c", "size": 1})
    worker()
    answer = ada.post(f"/datasets/{dataset.pk}/files/query", {"paths": ["a", "b", "c", "unknown", "\u0000"]})
    states = {file["path"]: (file["state"], bool(file["reason"])) for file in answer.json()["files"]}
    assert states == {"a": ("verified", False), "b": ("corrupt", True), "c": ("expected", False)}


def test_files_are_listed_page_by_page(ada: Any, dataset: Dataset) -> None:
    ada.announce(dataset, *[{"path": f"f{n:03}", "size": 1} for n in range(25)])
    seen: list[str] = []
    cursor: Any = ""
    for _ in range(3):
        page = ada.get(f"/datasets/{dataset.pk}/files?limit=10&cursor={cursor}").json()
        seen += [file["path"] for file in page["files"]]
        cursor = page["next"]
    assert cursor is None
    assert seen == [f"f{n:03}" for n in range(25)]
    assert ada.get(f"/datasets/{dataset.pk}/files?state=verified").json()["files"] == []


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=x", "state=superseded", "cursor=%00"])
def test_a_list_with_strange_questions_is_no_5xx(ada: Any, dataset: Dataset, query: str) -> None:
    assert ada.get(f"/datasets/{dataset.pk}/files?{query}").status_code in (200, 422)


def test_datasets_are_listed_newest_first_and_found_by_key(ada: Any) -> None:
    key = str(uuid4())
    ada.post("/datasets", {"client_key": key, "title": "One"})
    ada.make_dataset(title="Two")
    listed = ada.get("/datasets?state=open").json()
    assert [dataset["title"] for dataset in listed["datasets"]] == ["Two", "One"]
    assert listed["next"] is None
    (one,) = ada.get(f"/datasets?client_key={key}").json()["datasets"]
    assert one["title"] == "One"
    assert [d["id"] for d in ada.get("/datasets", {"name": one["name"]}).json()["datasets"]] == [one["id"]]
    assert ada.get("/datasets?name=%00").json()["datasets"] == []
    assert ada.get("/datasets?state=closed").json()["datasets"] == []
    for strange in ("cursor=nonsense", "client_key=%00", "state=%00", "cursor=%00"):
        assert ada.get(f"/datasets?{strange}").status_code == 422


def test_a_list_of_datasets_has_pages_and_few_queries(
    ada: Any, project: Project, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    Dataset.objects.bulk_create(
        Dataset(project=project, client_key=str(n), sender=f"upload_token:{ada.token.pk}", name=f"n{n}", title=str(n))
        for n in range(130)
    )
    with django_assert_max_num_queries(6):
        first = ada.get("/datasets").json()
    second = ada.get("/datasets", {"cursor": first["next"]}).json()
    assert (len(first["datasets"]), len(second["datasets"])) == (100, 30)
    assert len({d["id"] for d in first["datasets"] + second["datasets"]}) == 130


# --- closing


def test_closing_lists_what_is_missing(ada: Any, dataset: Dataset, worker: Any) -> None:
    ada.announce(dataset, {"path": "never sent", "size": 1})
    ada.create(5, b"01234", dataset=dataset, path="no checksum")
    ada.send(dataset, "damaged", b"01234", stated="00" * 32)
    ada.send(dataset, "fine", b"01234")
    worker()
    answer = ada.close(dataset)
    assert (answer.status_code, answer.json()["code"]) == (409, "files_missing")
    assert answer.json()["detail"] == {
        "count": 3,
        "files": [
            {"path": "damaged", "state": "corrupt"},
            {"path": "never sent", "state": "expected"},
            {"path": "no checksum", "state": "received"},
        ],
    }


def test_an_empty_dataset_does_not_close(ada: Any, dataset: Dataset) -> None:
    assert ada.close(dataset).json()["code"] == "files_missing"


def test_closing_twice_is_already_closed(ada: Any, dataset: Dataset) -> None:
    ada.send(dataset, "a", b"01234")
    assert ada.close(dataset).json()["state"] == "closed"
    again = ada.close(dataset)
    assert (again.status_code, again.json()["code"]) == (409, "already_closed")


def test_a_closed_dataset_takes_no_other_files(ada: Any, dataset: Dataset) -> None:
    ada.send(dataset, "a", b"01234")
    ada.close(dataset)
    new = ada.create(1, b"x", dataset=dataset, path="b")
    assert (new.status_code, new.json()["code"]) == (409, "dataset_closed")
    assert ada.create(1, b"x", dataset=dataset, path="a").json()["code"] == "dataset_closed"
    assert ada.announce(dataset, {"path": "b", "size": 1}).json()["code"] == "dataset_closed"
    assert ada.announce(dataset, {"path": "a", "size": 5}).status_code == 200
    assert DataFile.objects.count() == 1


def test_the_limit_of_the_missing_list_is_fifty(ada: Any, dataset: Dataset) -> None:
    ada.announce(dataset, *[{"path": f"f{n}", "size": 1} for n in range(60)])
    detail = ada.close(dataset).json()["detail"]
    assert (detail["count"], len(detail["files"])) == (60, 50)
