"""One bundle from its first member to its manifest."""

from __future__ import annotations

from labcourier_agent.bundles import Bundle
from labcourier_agent.exits import SourceTrouble
from labcourier_agent.packer import Packer
from labcourier_agent.packing import Layout
from labcourier_agent.progress import Active
from labcourier_agent.transfer import Transfer, refused_creation
from labcourier_agent.tus_client import Created
from labcourier_agent.upload import Way

# A cut line costs at most this much, even where the portal keeps nothing of a broken request.
PATCH_BYTES = 64 * 1024 * 1024


class BundleUpload:
    def __init__(self, bundle: Bundle, way: Way) -> None:
        self.bundle = bundle
        self.layout = Layout(bundle.members)
        self._way = way
        self._packer = Packer(self.layout, sealed=bundle.sealed, seal=lambda digests: way.bundles.seal(bundle, digests))
        self._transfer = Transfer(
            self.layout.length,
            bundle.upload_url,
            tus=way.tus,
            stop=way.stop,
            say=way.notices.say,
            create=self._create,
            hold=lambda url: way.bundles.note_upload(bundle, url),
        )

    def active(self) -> Active:
        return Active(f"{len(self.bundle.members)} small files", self._transfer.offset, self.layout.length)

    def run(self) -> list[tuple[int, SourceTrouble]]:
        """Returns the members that were skipped, by their ids in the journal, with the reason.

        Errors: Invalid when the portal does not take it; Refused, NoRoom (after an hour), Interrupted end all sending.
        """
        self._packer.hash_before(self._transfer.find())
        self._transfer.send(self._packer.pieces, most=PATCH_BYTES)
        return [(self.bundle.members[place].id, trouble) for place, trouble in self._packer.skipped.items()]

    def terminate(self) -> None:
        self._transfer.terminate()

    def _create(self) -> Created:
        metadata = {
            "kind": "bundle",
            "dataset": self._way.dataset_id,
            "files": str(len(self.bundle.members)),
            "manifest": str(self.layout.manifest_at),
        }
        return refused_creation(lambda: self._way.tus.create(self.layout.length, metadata))
