"""The short product video: camera, shots, captions, encoder."""

from skuflow.studio.film.assemble import assemble
from skuflow.studio.film.encoder import VideoFile
from skuflow.studio.film.placement import ProductInFrame

__all__ = ["ProductInFrame", "VideoFile", "assemble"]
