"""What instruments write: paths and sizes as in real runs, the same each time."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random

MB = 10**6
FilesOfRun = list[tuple[str, int]]


def movies(seed: int, count: int, began: datetime) -> FilesOfRun:
    """A night of single-particle data: movies in grid squares, an atlas, the gain reference."""
    dice = Random(seed)  # noqa: S311  (a story, no secret)
    session = [("Atlas/Atlas_1.mrc", 67_108_864), ("EpuSession.dm", 48_213), ("gain/gain_20251118_k3.gain", 94_371_840)]
    return session + [movie for number in range(count) for movie in _movie(dice, number, began)]


def _movie(dice: Random, number: int, began: datetime) -> Iterator[tuple[str, int]]:
    square, hole = 8_471_230 + 37 * (number // 60), 8_512_004 + 13 * number
    taken = began + timedelta(seconds=19 * number)
    stem = f"Images-Disc1/GridSquare_{square}/Data/FoilHole_{hole}_Data_8502161_{taken:%Y%m%d_%H%M%S}"
    yield f"{stem}_fractions.tiff", dice.randint(318 * MB, 391 * MB)
    yield f"{stem}.xml", dice.randint(58_000, 61_500)


def tilt_series(seed: int, positions: int) -> FilesOfRun:
    """Tomography: 41 tilts a position, with the file that lists them."""
    dice = Random(seed)  # noqa: S311
    files: FilesOfRun = [("overview/lamella_map.mrc", 134_217_728), ("overview/search.png", 2_318_442)]
    for position in range(1, positions + 1):
        files.append((f"Position_{position:02}/Position_{position:02}.mdoc", 21_904))
        for tilt in range(-60, 61, 3):
            name = f"Position_{position:02}/Position_{position:02}_{tilt:+04d}.eer"
            files.append((name, dice.randint(402 * MB, 447 * MB)))
    return files


def sequencer_run(seed: int, samples: int) -> FilesOfRun:
    """Reads of each sample in both directions, and the run's own figures."""
    dice = Random(seed)  # noqa: S311
    files: FilesOfRun = [
        ("RunInfo.xml", 1_482),
        ("RunParameters.xml", 12_731),
        ("SampleSheet.csv", 4_096 + 83 * samples),
        ("reports/Demultiplex_Stats.csv", 9_204),
        ("reports/multiqc_report.html", 3_812_455),
        ("InterOp/QMetricsOut.bin", 41_992_310),
        ("InterOp/TileMetricsOut.bin", 6_220_118),
    ]
    for sample in range(1, samples + 1):
        for read in ("I1", "R1", "R2"):
            size = dice.randint(180 * MB, 240 * MB) if read == "I1" else dice.randint(4_100 * MB, 9_800 * MB)
            files.append((f"fastq/S{sample:02}_L001_{read}_001.fastq.gz", size))
    return files


def light_sheet(seed: int, moments: int) -> FilesOfRun:
    """A growing embryo: two channels, a stack every few minutes."""
    dice = Random(seed)  # noqa: S311
    files: FilesOfRun = [("acquisition settings.json", 6_204), ("Übersicht Embryo 3.tif", 18_874_368)]
    for channel in ("488 nm", "561 nm"):
        for moment in range(moments):
            files.append((f"{channel}/stack_t{moment:04}.ome.tif", dice.randint(690 * MB, 741 * MB)))
    return files


def slices(seed: int, count: int) -> FilesOfRun:
    """A block milled slice by slice: very many files."""
    dice = Random(seed)  # noqa: S311
    return [(f"slices/{n // 1000:02}/slice_{n:05}.tif", dice.randint(15 * MB, 18 * MB)) for n in range(1, count + 1)]
