"""The files of a picture or video as the gallery offers them: each size, plain and with a label that people see."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from skuflow.listing.kit import KitImage, LabelledFile, Rendition
from skuflow.review.figures import size_text
from skuflow.review.outfiles import relative_url
from skuflow.review.wording import Wording


@dataclass(frozen=True, slots=True)
class Labelled:
    """The same picture or video with a visible "AI" on it, for ``markets`` ("CN")."""

    key: str
    file: str
    url: str
    note: str
    markets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """One rendition of a picture; ``key`` is equal for renditions of one size across a card. ``labelled`` is the same
    size with a visible label, None where no market asks for one."""

    key: str
    url: str
    width: int
    height: int
    note: str
    fits: str
    labelled: Labelled | None

    @property
    def data(self) -> dict[str, str | int]:
        """What the page's script reads of it."""
        told: dict[str, str | int] = {
            "key": self.key,
            "url": self.url,
            "width": self.width,
            "height": self.height,
            "note": self.note,
            "fits": self.fits,
        }
        if self.labelled is not None:
            told |= {"labelledUrl": self.labelled.url, "labelledNote": self.labelled.note}
        return told


@dataclass(frozen=True, slots=True)
class LabelledRow:
    """All sizes of one picture or video that bear a visible label."""

    label: Wording
    style: Wording | None
    files: tuple[Labelled, ...]


def shapes_of(image: KitImage, folder: str) -> tuple[Shape, ...]:
    """The picture's renditions in their order; ``folder`` is the kit's, relative to the page."""
    labelled = {one.key: one for one in labelled_of(image.labelled, folder)}
    return tuple(_shape(rendition, folder, labelled) for rendition in image.renditions)


def labelled_of(files: Iterable[LabelledFile], folder: str) -> tuple[Labelled, ...]:
    """The files with a visible label."""
    return tuple(
        Labelled(
            key=f"{one.width}x{one.height}",
            file=one.file,
            url=relative_url(folder, one.file),
            note=note_of(size_words(one.width, one.height), size_text(one.bytes)),
            markets=one.markets,
        )
        for one in files
    )


def _shape(rendition: Rendition, folder: str, labelled: dict[str, Labelled]) -> Shape:
    key = f"{rendition.width}x{rendition.height}"
    return Shape(
        key=key,
        url=relative_url(folder, rendition.file),
        width=rendition.width,
        height=rendition.height,
        note=note_of(
            size_words(rendition.width, rendition.height),
            rendition.format.upper(),
            size_text(rendition.bytes),
        ),
        fits=", ".join(rendition.fits),
        labelled=labelled.get(key),
    )


def size_words(width_px: int, height_px: int) -> str:
    """ "800 × 800"."""
    return f"{width_px} × {height_px}"


def note_of(*parts: str) -> str:
    """Facts about a file on one line."""
    return " · ".join(parts)
