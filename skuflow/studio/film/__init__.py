"""The short product video: camera, shots, captions, encoder."""

from skuflow.studio.film.assemble import assemble
from skuflow.studio.film.encoder import VideoFile

__all__ = ["VideoFile", "assemble"]
