"""Labels every finished picture and video by what was really done to make it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

from skuflow.studio.labels.files import with_packet
from skuflow.studio.labels.origin import AigcLabel, FileLabel, Origin

_PRODUCE_ID_CHARS = 32


@dataclass(frozen=True, slots=True)
class Labelling:
    """``content_producer``: who is named as the producer of generated content, or as who spreads it where the vendor's
    own file already names its producer.
    """

    content_producer: str = "skuflow"

    def labelled(
        self,
        data: bytes,
        media_type: str,
        origin: Origin,
        *,
        system: str = "",
        vendor: FileLabel | None = None,
    ) -> bytes:
        """``data`` (JPEG, PNG, MP4) with its label; equal input, equal bytes.

        ``system``: provider and model. ``vendor``: the label of the vendor's own file, whose producer and number are
        kept. Without one the content's number is the start of its SHA-256 before labelling. Raises LabelError.
        """
        label = FileLabel(origin)
        if origin.by_model:
            number = hashlib.sha256(data).hexdigest()[:_PRODUCE_ID_CHARS]
            label = FileLabel(origin, self._aigc(number, vendor), system)
        return with_packet(data, media_type, label.packet())

    def _aigc(self, number: str, vendor: FileLabel | None) -> AigcLabel:
        if vendor is None or vendor.aigc is None:
            return AigcLabel(self.content_producer, number)
        return replace(vendor.aigc, content_propagator=self.content_producer, propagate_id=number)
