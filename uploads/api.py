"""The agent's half of /api/v1: make a dataset, say which files are coming, ask what is verified, close it."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.conf import settings
from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from ninja import Query, Router, Status

from dataplane.names import PATH_LIMIT
from dataplane.tarbundle import MOST_BYTES, MOST_FILES
from portal import __version__
from portal.errors import Invalid, NotFound
from portal.models import DataFile, Dataset
from uploads.access import Sender, dataset_to_send, sendable_datasets, sender_of, sender_project
from uploads.agent_versions import AGENT_VERSION_LATEST, AGENT_VERSION_MIN
from uploads.models import Bundle
from uploads.schemas import (
    MAX_FILES,
    AnnouncedFileOut,
    AnnouncedFilesOut,
    BundleOut,
    BundleRulesOut,
    BundlesOut,
    ConnectionOut,
    DatasetIn,
    DatasetOut,
    DatasetsOut,
    FileOut,
    FilesIn,
    FilesOut,
    FilesPageOut,
    InstrumentOut,
    MetadataFieldOut,
    PathsIn,
    ProjectOut,
)
from uploads.services.bundles import UnderWay, bundles_under_way
from uploads.services.datasets import DatasetWish, close_dataset, create_dataset
from uploads.services.file_wishes import RawWish, key_of
from uploads.services.files import announce_files, withdraw_files

_DATASETS_A_PAGE = 100

router = Router(auth=sender_of, tags=["uploads"])


@router.get("/connection", response=ConnectionOut)
def connection(request: HttpRequest) -> ConnectionOut:
    """What the sender's credentials open, and the limits to keep."""
    token = _sender(request).token
    instrument = token.instrument if token else None
    return ConnectionOut(
        portal_version=__version__,
        project=ProjectOut(code=token.project.code, name=token.project.name) if token else None,
        instrument=InstrumentOut(slug=instrument.slug, name=instrument.name) if instrument else None,
        token_label=token.label if token else "",
        expires_at=token.expires_at if token else None,
        tus_endpoint=request.build_absolute_uri(reverse("tus")),
        max_file_bytes=settings.MAX_FILE_BYTES,
        max_path_bytes=PATH_LIMIT,
        agent_version_min=AGENT_VERSION_MIN,
        agent_version_latest=AGENT_VERSION_LATEST,
        server_time=timezone.now(),
        metadata_template=[MetadataFieldOut(**field) for field in instrument.metadata_template] if instrument else [],
        bundles=BundleRulesOut(max_bytes=MOST_BYTES, max_files=MOST_FILES, threshold=settings.BUNDLE_THRESHOLD_BYTES),
    )


@router.post("/datasets", response={200: DatasetOut, 201: DatasetOut})
def make_dataset(request: HttpRequest, wish: DatasetIn) -> Status[DatasetOut]:
    """The same client key again gives the same dataset (200)."""
    sender = _sender(request)
    project, instrument = sender_project(sender, wish.project)
    known = DatasetWish(**wish.dict(exclude={"client_key", "project"}), client_key=str(wish.client_key))
    dataset, is_new = create_dataset(
        sender=sender, project=project, instrument=instrument, wish=known, now=timezone.now()
    )
    return Status(201 if is_new else 200, _dataset_out(request, dataset))


@router.get("/datasets", response=DatasetsOut)
def list_datasets(
    request: HttpRequest,
    state: Dataset.State | None = None,
    client_key: UUID | None = None,
    name: str = "",
    cursor: str = "",
) -> DatasetsOut:
    """Newest first, a hundred at a time. Cost: five queries."""
    datasets = sendable_datasets(_sender(request)).prefetch_related("recipients")
    if state:
        datasets = datasets.filter(state=state)
    if client_key:
        datasets = datasets.filter(client_key=str(client_key))
    if name:
        datasets = datasets.filter(name=name.replace("\0", ""))
    if cursor:
        datasets = datasets.filter(_older_than(cursor))
    page = list(datasets.order_by("-created_at", "-pk")[: _DATASETS_A_PAGE + 1])
    more = len(page) > _DATASETS_A_PAGE
    page = page[:_DATASETS_A_PAGE]
    bundles = bundles_under_way(page)
    return DatasetsOut(
        datasets=[_with_bundles(request, dataset, bundles) for dataset in page],
        next=f"{page[-1].created_at.isoformat()}_{page[-1].pk}" if more else None,
    )


@router.get("/datasets/{dataset_id}", response=DatasetOut)
def one_dataset(request: HttpRequest, dataset_id: UUID) -> DatasetOut:
    return _dataset_out(request, dataset_to_send(_sender(request), dataset_id))


@router.post("/datasets/{dataset_id}/files", response=AnnouncedFilesOut)
def announce(request: HttpRequest, dataset_id: UUID, announced: FilesIn) -> AnnouncedFilesOut:
    """Say which files are coming, or their checksums; repeat freely. With one bad name nothing is recorded."""
    dataset = dataset_to_send(_sender(request), dataset_id)
    wishes = [RawWish(file.path, file.size, file.mtime_ns, file.sha256 or "") for file in announced.files]
    files = announce_files(dataset_id=dataset.pk, raw_wishes=wishes, now=timezone.now())
    return AnnouncedFilesOut(
        files=[
            AnnouncedFileOut(
                path=file.path,
                sent_path=wish.path,
                size=file.size,
                state=file.state,
                sha256=file.sha256 or None,
            )
            for wish, file in zip(wishes, files, strict=True)
        ]
    )


@router.post("/datasets/{dataset_id}/files/query", response=FilesOut)
def query_files(request: HttpRequest, dataset_id: UUID, wanted: PathsIn) -> FilesOut:
    """The state of the named files; names the dataset does not have are left out. Cost: two queries."""
    dataset = dataset_to_send(_sender(request), dataset_id)
    keys = [key_of(path) for path in wanted.paths]
    files = DataFile.objects.current().filter(dataset=dataset, path_key__in=keys)
    return FilesOut(files=[FileOut.of(file) for file in files])


@router.post("/datasets/{dataset_id}/files/withdraw", response=FilesOut)
def withdraw(request: HttpRequest, dataset_id: UUID, named: PathsIn) -> FilesOut:
    """Take back files that were announced and will not come; those of the named that stay. Repeat freely."""
    sender = _sender(request)
    dataset = dataset_to_send(sender, dataset_id)
    files = withdraw_files(dataset_id=dataset.pk, paths=named.paths, actor=sender.actor, now=timezone.now())
    return FilesOut(files=[FileOut.of(file) for file in files])


@router.get("/bundles/{bundle_id}", response=BundleOut)
def one_bundle(request: HttpRequest, bundle_id: str) -> BundleOut:
    """What became of a bundle's files. Cost: two queries."""
    own = Bundle.objects.filter(dataset__in=sendable_datasets(_sender(request)))
    bundle = own.filter(pk=bundle_id).first()
    if bundle is None:
        raise NotFound("There is no such bundle. Ask for its files by their paths.")
    return BundleOut.of(bundle)


@router.get("/datasets/{dataset_id}/files", response=FilesPageOut)
def list_files(
    request: HttpRequest,
    dataset_id: UUID,
    state: Literal["expected", "received", "verified", "corrupt"] | None = None,
    cursor: str = "",
    limit: Annotated[int, Query(ge=1, le=MAX_FILES)] = MAX_FILES,
) -> FilesPageOut:
    """By path. `next` is the cursor of the following page. Cost: two queries."""
    dataset = dataset_to_send(_sender(request), dataset_id)
    files = DataFile.objects.current().filter(dataset=dataset).order_by("path")
    if state:
        files = files.filter(state=state)
    if cursor:
        files = files.filter(path__gt=cursor.replace("\0", ""))
    page = list(files[: limit + 1])
    last = page[limit - 1].path if len(page) > limit else None
    return FilesPageOut(files=[FileOut.of(file) for file in page[:limit]], next=last)


@router.post("/datasets/{dataset_id}/close", response=DatasetOut)
def close(request: HttpRequest, dataset_id: UUID) -> DatasetOut:
    """No more files: the dataset is released as soon as all are verified."""
    sender = _sender(request)
    dataset = dataset_to_send(sender, dataset_id)
    return _dataset_out(request, close_dataset(dataset_id=dataset.pk, actor=sender.actor, now=timezone.now()))


def _sender(request: Any) -> Sender:
    """The router puts what `sender_of` gave on the request."""
    sender: Sender = request.auth
    return sender


def _dataset_out(request: HttpRequest, dataset: Dataset) -> DatasetOut:
    return _with_bundles(request, dataset, bundles_under_way([dataset]))


def _with_bundles(request: HttpRequest, dataset: Dataset, bundles: dict[UUID, UnderWay]) -> DatasetOut:
    under_way = bundles.get(dataset.pk, UnderWay())
    return DatasetOut.of(
        dataset,
        request.build_absolute_uri(dataset.get_absolute_url()),
        BundlesOut(waiting=under_way.bundles, files=under_way.files, bytes=under_way.bytes),
    )


def _older_than(cursor: str) -> Q:
    created_at, _, dataset_id = cursor.partition("_")
    try:
        moment, pk = datetime.fromisoformat(created_at.replace(" ", "+")), UUID(dataset_id)
    except ValueError as error:
        raise Invalid("The cursor is not one of ours. Take `next` of the page before.") from error
    return Q(created_at__lt=moment) | Q(created_at=moment, pk__lt=pk)
