"""A simulated microscope: ``python -m demo.microscope FOLDER [--seconds 12]``.

Writes an acquisition as a real one does, file after file while others read along: an overview, tiles of a mosaic in
four channels, z-stacks that grow plane by plane, thumbnails, an empty log. All images are valid TIFF (mosaic and
stacks OME-TIFF with pixel sizes and channel names). The last file is the marker that says the acquisition is over.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

MARKER = "ACQUISITION_COMPLETE"
CHANNELS = ("DAPI", "GFP", "mCherry", "Brightfield")
GRID = 8  # tiles a side, each in every channel
STACKS = 6
PLANES = 20
PIXEL_MICROMETRES = 0.325
SEED = 20261120  # the same specimen each time

Image = NDArray[np.uint16]
Write = Callable[[], None]


def acquire(folder: Path, seconds: float) -> int:
    """Writes the acquisition into ``folder`` over about ``seconds``, marker last; returns the number of files sent."""
    folder.mkdir(parents=True)
    writes = list(acquisition(folder))
    began = time.monotonic()
    for number, write in enumerate(writes, start=1):
        write()
        time.sleep(max(0.0, began + seconds * number / len(writes) - time.monotonic()))
    (folder / MARKER).touch()
    return len(writes)


def acquisition(folder: Path) -> Iterator[Write]:
    """What the microscope does, one write a file, in the order of a real run."""
    specimen = np.random.default_rng(SEED)
    yield lambda: write_overview(folder / "overview.tif", specimen)
    yield lambda: write_plain(folder / "Übersicht Präparat n° 3 – côté gauche.tif", cells(specimen, 512))
    yield (folder / "exposure-warnings.log").touch  # empty: nothing went wrong
    for channel in CHANNELS:
        for row in range(GRID):
            for column in range(GRID):
                path = folder / "mosaic" / channel / f"tile_r{row:02}_c{column:02}.ome.tif"
                yield lambda path=path, channel=channel: write_tile(path, channel, cells(specimen, 256))  # type: ignore[misc]
    for number in range(1, STACKS + 1):
        path = folder / "stacks" / f"position_{number:02}" / "stack.ome.tif"
        yield lambda path=path: write_stack(path, specimen)  # type: ignore[misc]
    for number in range(1, 41):
        path = folder / "thumbnails" / f"{number:03}.tif"
        yield lambda path=path: write_plain(path, cells(specimen, 64))  # type: ignore[misc]


def write_overview(path: Path, specimen: np.random.Generator) -> None:
    tifffile.imwrite(path, cells(specimen, 3072), tile=(256, 256), metadata=None, **_tags())


def write_plain(path: Path, image: Image) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(path, image, metadata=None, **_tags())


def write_tile(path: Path, channel: str, image: Image) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(path, image, ome=True, metadata={**_ome("YX"), "Channel": {"Name": channel}})


def write_stack(path: Path, specimen: np.random.Generator) -> None:
    """Plane by plane with pauses, so that the file is there long before it is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)

    def planes() -> Iterator[Image]:
        for _ in range(PLANES):
            yield cells(specimen, 384)
            time.sleep(0.02)

    metadata = {**_ome("ZYX"), "PhysicalSizeZ": 1.0, "PhysicalSizeZUnit": "µm"}
    tifffile.imwrite(path, planes(), shape=(PLANES, 384, 384), dtype=np.uint16, ome=True, metadata=metadata)


def cells(specimen: np.random.Generator, side: int) -> Image:
    """An image of ``side`` × ``side`` pixels: bright round cells over the noise of a camera."""
    image = specimen.integers(90, 131, (side, side), dtype=np.uint16)
    for row, column in specimen.integers(0, side, ((side // 48) ** 2 + 2, 2)):
        spot = _spot(specimen)[: side - row, : side - column]
        image[row : row + spot.shape[0], column : column + spot.shape[1]] += spot
    return image


def _spot(specimen: np.random.Generator) -> Image:
    radius = int(specimen.integers(5, 12))
    rows, columns = np.ogrid[-3 * radius : 3 * radius + 1, -3 * radius : 3 * radius + 1]
    brightness: Any = 900 * np.exp(-(rows**2 + columns**2) / (2 * radius**2))
    spot: Image = brightness.astype(np.uint16)
    return spot


def _ome(axes: str) -> dict[str, Any]:
    size = {"PhysicalSizeX": PIXEL_MICROMETRES, "PhysicalSizeY": PIXEL_MICROMETRES}
    return {"axes": axes, "Name": "Simulated specimen", **size, "PhysicalSizeXUnit": "µm", "PhysicalSizeYUnit": "µm"}


def _tags() -> dict[str, Any]:
    """Who took the image and when, as baseline TIFF tags; the resolution in pixels per centimetre."""
    per_centimetre = 10_000 / PIXEL_MICROMETRES
    return {
        "software": "Simulated microscope",
        "datetime": datetime.now(UTC),
        "resolution": (per_centimetre, per_centimetre),
        "resolutionunit": "CENTIMETER",
        "description": "Simulated specimen",
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Write a simulated acquisition.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", type=float, default=12.0)
    arguments = parser.parse_args()
    print(acquire(arguments.folder, arguments.seconds))


if __name__ == "__main__":
    main()
