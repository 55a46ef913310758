"""Parts of a kit that are made only on request: per row in the catalog, or for a whole run."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

EXTENSIONS = ("1:1", "3:4", "4:3", "9:16", "16:9")
"""Width to height, as vendors take it (Model Studio: image out-painting API reference)."""


@dataclass(frozen=True, slots=True)
class ExtraWishes:
    """``model_photo`` (a file) or ``model`` (words): the product shown with that person. ``line_art`` (a file): a
    drawing made into a realistic picture. ``concept`` (words): a picture from words alone, marked as such.
    ``atmosphere`` (words): one more, short video of mood. ``motion``: a motion preset for the product's video.
    ``extend``: a shape of ``EXTENSIONS`` to which the product's photo is extended by a vendor.
    """

    model_photo: str = ""
    model: str = ""
    line_art: str = ""
    concept: str = ""
    atmosphere: str = ""
    motion: str = ""
    extend: str = ""

    def __bool__(self) -> bool:
        return any(getattr(self, field.name) for field in fields(self))

    def over(self, usual: ExtraWishes) -> ExtraWishes:
        """These wishes, and the usual ones where these say nothing. A person is chosen in one way only."""
        person = self if self.model_photo or self.model else usual
        return ExtraWishes(
            model_photo=person.model_photo,
            model=person.model,
            line_art=self.line_art or usual.line_art,
            concept=self.concept or usual.concept,
            atmosphere=self.atmosphere or usual.atmosphere,
            motion=self.motion or usual.motion,
            extend=self.extend or usual.extend,
        )

    @property
    def without_photo(self) -> bool:
        """Whether something can be made of a product that has no photo."""
        return bool(self.line_art or self.concept)

    @property
    def named_files(self) -> dict[str, str]:
        """The files that are named, each under the field that names it."""
        named = {"model_photo": self.model_photo, "line_art": self.line_art}
        return {field: file for field, file in named.items() if file}

    @property
    def files(self) -> tuple[str, ...]:
        """The files that are named."""
        return tuple(self.named_files.values())

    def without_files(self) -> ExtraWishes:
        """What these wishes are without the files that they name."""
        return replace(self, model_photo="", line_art="")


NO_EXTRAS = ExtraWishes()
