"""Opens the storage that the settings name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skuflow.storage.folder import FolderStore
from skuflow.storage.objects import ObjectStore
from skuflow.storage.places import OssPlace

if TYPE_CHECKING:
    from skuflow.settings import Settings

# Threads that may ask storage at the same time beside the pixel pool: those of the event loop, and vendors' downloads.
_OTHER_THREADS = 40


def open_store(settings: Settings) -> ObjectStore:
    """The storage of ``settings``. Nothing is asked of it yet, so that a bucket that is not there is told by the first
    use. Raises SettingsError.
    """
    place = settings.storage
    if isinstance(place, OssPlace):
        from skuflow.storage.oss import OssStore

        return OssStore(place, threads=settings.worker_threads + _OTHER_THREADS)
    return FolderStore(place)
