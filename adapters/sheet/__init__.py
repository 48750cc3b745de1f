"""A line list in a workbook or a CSV file, read by its visible labels; results come in a second workbook."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from adapters.kit.contract import NewBench, in_folders
from adapters.kit.kind import Kind, Settings
from adapters.sheet import htcds, words
from adapters.sheet.adapter import SheetAdapter
from adapters.sheet.encoding import Encoding
from adapters.sheet.setup import plan
from adapters.sheet.source import Column
from adapters.sheet.table import Limits

__all__ = ["KIND", "Column", "Limits", "SheetAdapter", "SheetSettings"]


class SheetSettings(Settings):
    """The line list, the mapping files for rows marked as ready to refer and as ready to ask, the language of the
    office, and the encoding of a CSV file that is not in Unicode.
    """

    path: Path
    mapping: Path | None = None
    enquiry_mapping: Path | None = None
    language: str | None = None
    encoding: Encoding | None = None

    def marks(self) -> Mapping[str, Path]:
        """Return the mapping file of each mark column: that of the office, or the one that is included."""
        own = {htcds.READY_TO_REFER: self.mapping, htcds.READY_TO_ASK: self.enquiry_mapping}
        return {label: own[label] or included for label, included in htcds.MARKS.items()}

    def case_files(self) -> Sequence[Path]:
        """Return the line list; the results lie beside it."""
        return (self.path,)

    def mapping_files(self) -> Sequence[Path]:
        """Return one mapping file for each mark column."""
        return tuple(self.marks().values())

    def spoken(self) -> str | None:
        """Return the language whose labels come first in cells, as the drop-downs of `trm sheet new` offer them."""
        return self.language or words.ENGLISH


def _stand_in(folder: Path) -> AbstractAsyncContextManager[NewBench]:
    from adapters.sheet.bench import SheetBench

    return in_folders(SheetBench, folder)


KIND = Kind(
    name="sheet",
    what="an Excel, OpenDocument or CSV line list",
    whom="for offices that work in a workbook",
    settings=SheetSettings,
    make=lambda settings: SheetAdapter(
        settings.path,
        marks=settings.marks(),
        language=settings.language or words.ENGLISH,
        encoding=settings.encoding,
    ),
    stand_in=_stand_in,
    prepare=plan,
)
