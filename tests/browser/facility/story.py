"""Six weeks of a facility: what came, who was given it, and what they did with it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from portal.models import Notice
from tests.browser.facility.acquisitions import light_sheet, movies, sequencer_run, slices, tilt_series
from tests.browser.facility.arrivals import Run, let_arrive
from tests.browser.facility.handing_over import (
    CURL,
    Guest,
    delete,
    hand_over,
    look,
    lose_mail,
    revoke,
    share,
    strike_each_day,
    take_all,
    take_files,
)
from tests.browser.facility.moved_clock import Story
from tests.browser.facility.people import House

RITA = Guest("rita.ferreira@university.example", "203.0.113.24")
ANDERSSON = Guest("k.andersson@institute.example", "198.51.100.7", CURL)
CHEN = Guest("chen.wei@lab.example", "192.0.2.118")
NOVAK = Guest("j.novak@institute.example", "198.51.100.61")
HUBER = "t.huber@instiute.example"  # mistyped
LATE = "m.lange@university.example"
PRIYA = Guest("priya.raman@university.example", "203.0.113.77")
OKONKWO = Guest("m.okonkwo@hospital.example", "192.0.2.9")
ALL_GUESTS = [RITA, ANDERSSON, CHEN, NOVAK, PRIYA, OKONKWO]

SPECIMENS = [
    ("Apoferritin, grid 3", "2026-0398 Instrument tests", 420),
    ("Spliceosome B complex, grid 2", "2026-0412 Splicing intermediates", 900),
    ("Mitochondrial complex I, deactive", "2026-0377 Complex I", 1300),
    ("Nanobody–GPCR, session 1", "2026-0440 Receptors", 760),
    ("Ribosome with chloramphenicol", "2026-0421 Antibiotics", 1100),
    ("Proteasome 26S, grid 1", "2026-0405 Degradation", 640),
    ("TRPV1 in nanodiscs, apo", "2026-0433 Ion channels", 980),
    ("Nucleosome–HMGB1, grid 5", "2026-0419 Chromatin", 560),
    ("Hibernating 100S ribosome", "2026-0421 Antibiotics", 1210),
]
OPTICS = {"Voltage": "300 kV", "Pixel size": "0.832 Å", "Total dose": "50 e⁻/Å²", "Camera": "K3"}


@dataclass
class Highlights:
    """The datasets the pictures show."""

    receiving: Run
    verifying: Run
    corrupt: Run
    shared: Run
    huge: Run
    expired: Run
    stalled: Run


def tell(story: Story, house: House) -> Highlights:
    _nights_at_the_krios(story, house)
    _runs_of_the_sequencer(story, house)
    _embryos(story, house)
    strike_each_day(story, story.now - timedelta(days=41))
    return Highlights(
        receiving=_receiving(story, house),
        verifying=_verifying(story, house),
        corrupt=_corrupt(story, house),
        shared=_shared(story, house),
        huge=_huge(story, house),
        expired=_expired(story, house),
        stalled=_stalled(story, house),
    )


def _day(story: Story, days: float, hour: int = 7, minute: int = 12) -> datetime:
    return (story.now - timedelta(days=days)).replace(hour=hour, minute=minute, second=0, microsecond=0)


def _nights_at_the_krios(story: Story, house: House) -> None:
    """One dataset every four days; most guests fetch theirs within a day or two."""
    for number, (title, investigation, count) in enumerate(SPECIMENS):
        began = _day(story, 40 - 4 * number, 5, 7 * number)
        guests = [ALL_GUESTS[number % 6], ALL_GUESTS[(number + 2) % 6]]
        run = Run(
            title=title,
            instrument="krios",
            began=began,
            files=movies(number, count, began),
            recipients=[guest.email for guest in guests],
            keywords=["single particle", title.split(",", maxsplit=1)[0].lower()],
            investigation=investigation,
            metadata=OPTICS,
        )
        let_arrive(story, house, run)
        ready = hand_over(story, run)
        take_all(story, run, guests[0], ready + timedelta(hours=3 + 5 * number % 31))
        if number % 3 == 0:
            take_files(story, run, guests[1], ready + timedelta(hours=20), count=6)
        elif number % 3 == 1:
            take_all(story, run, guests[1], ready + timedelta(days=2, hours=4), part=0.46)
            take_all(story, run, guests[1], ready + timedelta(days=2, hours=9))


def _runs_of_the_sequencer(story: Story, house: House) -> None:
    for number in range(5):
        began = _day(story, 36 - 8 * number, 14, 20)
        run = Run(
            title=f"NovaSeq run {241 + number}, {['exomes', 'single cells', 'gut metagenomes'][number % 3]}",
            instrument="novaseq",
            began=began,
            files=sequencer_run(number, 24),
            recipients=[OKONKWO.email, PRIYA.email],
            keywords=["illumina", "paired end"],
            metadata={"Flow cell": f"HG{3 + number}LKDSX7", "Cycles": "151 + 10 + 10 + 151"},
        )
        let_arrive(story, house, run)
        ready = hand_over(story, run)
        take_all(story, run, OKONKWO, ready + timedelta(hours=15))


def _embryos(story: Story, house: House) -> None:
    for number in range(3):
        began = _day(story, 24 - 9 * number, 16, 45)
        run = Run(
            title=f"Zebrafish somitogenesis, embryo {number + 1}",
            instrument="sheet",
            began=began,
            files=light_sheet(number, 120),
            recipients=[CHEN.email],
            keywords=["light sheet", "zebrafish"],
        )
        let_arrive(story, house, run)
        ready = hand_over(story, run)
        take_all(story, run, CHEN, ready + timedelta(days=1), part=1.0 if number else 0.3)


def _receiving(story: Story, house: House) -> Run:
    began = story.now - timedelta(minutes=35)
    run = Run(
        title="Ribosome–antibiotic complex, grid 4",
        instrument="krios",
        began=began,
        files=movies(31, 980, began),
        recipients=[RITA.email, CHEN.email],
        keywords=["single particle", "ribosome"],
        investigation="2026-0421 Antibiotics",
        metadata=OPTICS,
        arrived=1326,
        unread=41,
        close=False,
    )
    let_arrive(story, house, run)
    return run


def _verifying(story: Story, house: House) -> Run:
    began = story.now - timedelta(hours=3)
    run = Run(
        title="Screening, 12 grids of the beamtime group",
        instrument="glacios",
        began=began,
        files=movies(32, 310, began),
        recipients=[NOVAK.email],
        keywords=["screening"],
        unread=96,
    )
    let_arrive(story, house, run)
    return run


def _corrupt(story: Story, house: House) -> Run:
    began = _day(story, 1, 21, 5)
    run = Run(
        title="Yeast lamella 7, tilt series",
        instrument="krios",
        began=began,
        files=tilt_series(33, 6),
        recipients=[ANDERSSON.email],
        keywords=["tomography", "lamella", "yeast"],
        investigation="2026-0429 Nuclear pores in situ",
        corrupt=2,
    )
    let_arrive(story, house, run)
    return run


def _shared(story: Story, house: House) -> Run:
    """The one in the pictures: a recipient in each state."""
    began = _day(story, 3, 4, 31)
    run = Run(
        title="Nuclear pore complex, lamella 5",
        instrument="krios",
        began=began,
        files=tilt_series(34, 9),
        recipients=[RITA.email, ANDERSSON.email, CHEN.email, NOVAK.email],
        keywords=["tomography", "lamella", "nuclear pore"],
        investigation="2026-0429 Nuclear pores in situ",
        description="Nine positions on lamella 5, dose-symmetric ±60° in steps of 3°.",
        metadata={**OPTICS, "Camera": "Falcon 4i, EER", "Pixel size": "1.51 Å"},
    )
    let_arrive(story, house, run)
    ready = hand_over(story, run)
    take_all(story, run, RITA, ready + timedelta(hours=4, minutes=12))
    take_all(story, run, ANDERSSON, ready + timedelta(hours=26), part=0.62)
    look(story, run, CHEN, ready + timedelta(hours=30))
    share(story, house, run, by="alice", to=[PRIYA.email, OKONKWO.email], moment=ready + timedelta(days=1), days=14)
    revoke(story, house, run, email=OKONKWO.email, by="alice", moment=ready + timedelta(days=1, hours=2))
    take_files(story, run, PRIYA, ready + timedelta(days=2), count=4)
    asked = "450 4.7.1 The connection ended before the server said whether it took the mail."
    story.at(ready + timedelta(days=2), lambda: lose_mail(run, CHEN.email, Notice.State.UNCERTAIN, asked))
    return run


def _huge(story: Story, house: House) -> Run:
    began = _day(story, 6, 9, 3)
    run = Run(
        title="Drosophila brain, milled block 2",
        instrument="aquilos",
        began=began,
        files=slices(35, 12_000),
        recipients=[NOVAK.email],
        keywords=["FIB-SEM", "connectomics"],
    )
    let_arrive(story, house, run)
    ready = hand_over(story, run)
    take_all(story, run, NOVAK, ready + timedelta(hours=7))
    share(story, house, run, by="bob", to=[HUBER], moment=ready + timedelta(days=1), days=30)
    share(story, house, run, by="bob", to=[LATE], moment=ready + timedelta(days=1, minutes=5), days=3)
    refused = f"550 5.1.2 {HUBER}: the domain does not exist."
    failed = Notice.State.FAILED
    story.at(ready + timedelta(days=1, hours=1), lambda: lose_mail(run, HUBER, failed, refused))
    return run


def _expired(story: Story, house: House) -> Run:
    began = _day(story, 41, 8, 0)
    run = Run(
        title="Beta-galactosidase, holey gold test",
        instrument="glacios",
        began=began,
        files=movies(36, 210, began),
        recipients=[PRIYA.email],
        keywords=["single particle", "test"],
    )
    let_arrive(story, house, run)
    hand_over(story, run)
    deleted = _day(story, 2)
    story.at(deleted, lambda: delete(run, house, by="alice", moment=deleted))
    return run


def _stalled(story: Story, house: House) -> Run:
    began = _day(story, 2, 17, 40)
    run = Run(
        title="Microtubules with kinesin, grid 1",
        instrument="glacios",
        began=began,
        files=movies(37, 400, began),
        arrived=212,
        close=False,
    )
    let_arrive(story, house, run)
    return run
