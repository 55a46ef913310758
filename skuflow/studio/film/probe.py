"""What a video file says about itself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import av

from skuflow.studio.picture import StudioError


@dataclass(frozen=True, slots=True)
class VideoFacts:
    """``duration_s`` is that of the video stream, ``codec`` its FFmpeg name ("h264")."""

    width: int
    height: int
    duration_s: float
    fps: float
    frames: int
    codec: str
    pixel_format: str


def probe(path: Path) -> VideoFacts:
    """Read a video's header. Raises StudioError ``VIDEO_UNREADABLE``."""
    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            rate = stream.average_rate
            if stream.duration is None or stream.time_base is None or rate is None:
                raise StudioError("VIDEO_UNREADABLE", f"{path.name} does not say how long it is")
            return VideoFacts(
                width=stream.codec_context.width,
                height=stream.codec_context.height,
                duration_s=round(float(stream.duration * stream.time_base), 3),
                fps=round(float(rate), 3),
                frames=stream.frames,
                codec=stream.codec_context.name,
                pixel_format=stream.codec_context.pix_fmt or "",
            )
    except (av.FFmpegError, IndexError) as error:
        raise StudioError("VIDEO_UNREADABLE", f"{path.name} is no video that can be read: {error}") from error
