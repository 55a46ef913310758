"""Labels every finished picture and video by what was really done to make it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

from skuflow.studio.labels.files import with_packet
from skuflow.studio.labels.origin import AigcLabel, FileLabel, LabelError, Origin

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
        kept. Without one, or where that is too long to be kept, the content's number is the start of its SHA-256 before
        labelling. Raises LabelError.
        """
        if not origin.by_model:
            return with_packet(data, media_type, FileLabel(origin).packet())
        number = hashlib.sha256(data).hexdigest()[:_PRODUCE_ID_CHARS]
        try:
            packet = FileLabel(origin, self._aigc(number, vendor), system).packet()
        except LabelError:
            if vendor is None:
                raise
            # What a stranger's file says of itself is no reason to lose what was paid for.
            packet = FileLabel(origin, self._aigc(number, None), system).packet()
        return with_packet(data, media_type, packet)

    def _aigc(self, number: str, vendor: FileLabel | None) -> AigcLabel:
        if vendor is None or vendor.aigc is None:
            return AigcLabel(self.content_producer, number)
        return replace(vendor.aigc, content_propagator=self.content_producer, propagate_id=number)
