"""How much room is left where this machine keeps its work."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from skuflow.housekeeping.concerns import Concern, Kind
from skuflow.settings import Settings

LOW_BYTES = 2 * 1024**3
"""Below this a person is told: a run may need a good part of it at once, and databases that cannot write lose more than
the work at hand.
"""
_GIB = 1024**3


@dataclass(frozen=True, slots=True)
class Room:
    """What is free on the disk of ``folder``; ``name`` is the setting that says where that is."""

    name: str
    folder: Path
    free_bytes: int

    @property
    def is_low(self) -> bool:
        return self.free_bytes < LOW_BYTES

    @property
    def free(self) -> str:
        return f"{self.free_bytes / _GIB:.1f} GiB"


def folders_of(settings: Settings) -> dict[str, Path]:
    """Where this machine keeps things, by the setting that says so: its home, and storage where that is a folder.

    Raises SettingsError where storage cannot be used.
    """
    place = settings.storage
    storage = {"SKUFLOW_STORAGE": place} if isinstance(place, Path) else {}
    return {"SKUFLOW_HOME": settings.skuflow_home, **storage}


def rooms(folders: Mapping[str, Path]) -> list[Room]:
    """Each folder, by the name of its setting, that is on another disk than those before it. Raises OSError."""
    found: dict[int, Room] = {}
    for name, folder in folders.items():
        there = _there(folder.absolute())
        if (device := _device(there)) not in found:
            found[device] = Room(name, folder.absolute(), _free_bytes(there))
    return list(found.values())


def about_room(folders: Mapping[str, Path]) -> list[Concern]:
    """Disks of this machine that are all but full, while there is time to mend it."""
    host = socket.gethostname()
    return [
        Concern(
            Kind.DISK,
            f"{room.name} {host}",
            f"{room.free} are left on {host} where {room.name} is ({room.folder}); make room, 2 GiB at least, or jobs"
            " that vendors have finished cannot be kept.",
            f"{host} 上 {room.name}（{room.folder}）所在磁盘仅剩 {room.free}；"
            "请至少腾出 2 GiB，否则已完成的结果无法保存。",
        )
        for room in rooms(folders)
        if room.is_low
    ]


def _there(folder: Path) -> Path:
    """The folder, or the next one above it that is there."""
    return folder if folder.exists() else _there(folder.parent)


def _device(folder: Path) -> int:
    return folder.stat().st_dev


def _free_bytes(folder: Path) -> int:
    return shutil.disk_usage(folder).free
