"""Where things stand in storage: every key is built here, so that who writes and who reads agree."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

from skuflow.storage.objects import StorageError

MAX_SLUG_CHARS = 80
_READABLE_CHARS = 60
_SHA_CHARS = 12
_ASSET_SHA_CHARS = 8

WAITING_PREFIX = "waiting/"

_SAFE_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*", re.ASCII)
# Names that Windows keeps for devices, with or without an ending.
_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)
# The export writes these beside the kits' folders.
_EXPORT_FILES = re.compile(r"index(-[0-9]+)?\.html|costs\.html|(summary|costs)\.csv", re.IGNORECASE)
_LABEL = re.compile(r"[^A-Za-z0-9._-]+")
_DIGITS = re.compile(rf"(?<![0-9A-Za-z])[0-9a-f]{{{_ASSET_SHA_CHARS},64}}(?![0-9A-Za-z])", re.ASCII)
_WRITE_ONCE = ("kits/", "photos/")


def sku_slug(sku: str) -> str:
    """The SKU as one file name, the same everywhere.

    A SKU of ASCII letters, digits and ``._-`` stays itself, if it neither begins nor ends with a dot, has at
    most 80 characters, is no device name of Windows and no file of the export's own. Any other becomes
    readable ASCII plus ``-`` and eight hex digits of its SHA-256.

    Letters keep their case, since people look for their SKU by its name. Where a file system takes ``MUG-1``
    and ``mug-1`` for one, these two must not be in one catalog: ``clashing_skus`` finds them.
    """
    plain = (
        _SAFE_NAME.fullmatch(sku)
        and len(sku) <= MAX_SLUG_CHARS
        and not sku.endswith(".")
        and not _DEVICES.fullmatch(sku)
        and not _EXPORT_FILES.fullmatch(sku)
    )
    if plain:
        return sku
    readable = re.sub(r"[^A-Za-z0-9_-]+", "-", sku).strip("-.")[:_READABLE_CHARS].strip("-.") or "sku"
    return f"{readable}-{hashlib.sha256(sku.encode()).hexdigest()[:8]}"


def clashing_skus(skus: Iterable[str]) -> list[tuple[str, ...]]:
    """Groups of different SKUs whose slugs are equal, or differ in case only, in the order they were met."""
    groups: dict[str, dict[str, None]] = {}
    for sku in skus:
        groups.setdefault(sku_slug(sku).casefold(), {})[sku] = None
    return [tuple(group) for group in groups.values() if len(group) > 1]


def asset_key(sku: str, part: str, label: str, sha256: str, extension: str) -> str:
    """One result of a job, beside the kit.json that will name it:
    ``kits/<sku>/image-scene-2-1200x630-<sha8>.jpg``. Named for a person who uploads it somewhere; the digest
    keeps the results of different attempts apart.
    """
    name = "-".join(filter(None, (_safe(part), "" if label == part.partition(":")[0] else _safe(label))))
    return f"kits/{sku_slug(sku)}/{name}-{sha256[:_ASSET_SHA_CHARS]}.{extension}"


def developed_key(sku: str, job_id: str) -> str:
    """The list of what the studio made of a vendor's result."""
    return f"developed/{sku_slug(sku)}/{job_id}.json"


def kit_key(sku: str) -> str:
    """The SKU's kit.json."""
    return f"kits/{sku_slug(sku)}/kit.json"


def attempts_key(sku: str) -> str:
    """How often in a row the SKU was blocked at intake, beside its kit."""
    return f"kits/{sku_slug(sku)}/attempts.json"


def used_photo_key(sku: str) -> str:
    """Which of the SKU's stored photos intake has used last, beside its kit."""
    return f"kits/{sku_slug(sku)}/photo.json"


def waiting_key(sku: str) -> str:
    """The note that the SKU's kit waits for a part."""
    return f"{WAITING_PREFIX}{sku_slug(sku)}.json"


def photo_key(sku: str, photo_sha256: str, suffix: str) -> str:
    """One source photo as the seller gave it; ``suffix`` with its dot."""
    return f"photos/{sku_slug(sku)}/{photo_sha256[:_SHA_CHARS]}{suffix}"


def cutout_key(sku: str, photo_sha256: str, cutter: int) -> str:
    """The product cut out of one source photo by one version of the cutter."""
    return f"cutouts/{sku_slug(sku)}/{photo_sha256[:_SHA_CHARS]}-v{cutter}.png"


def photo_record_key(photo_sha256: str, generation: str) -> str:
    """What intake found out about one photo, whichever SKUs use it."""
    return f"photo-records/{photo_sha256[:_SHA_CHARS]}-v{generation}.json"


def is_write_once(key: str, sha256: str) -> bool:
    """Whether ``key`` is that of an asset or a photo whose name holds the beginning of ``sha256``, the digest of its
    own bytes: other bytes never belong there. A cut-out is named by its photo's digest, so it is none; what is
    published for a vendor is written anew each time, since a rule may delete it some days after.
    """
    folder, _, name = key.rpartition("/")
    digits = _DIGITS.findall(name) if folder.startswith(_WRITE_ONCE) else ()
    return any(sha256.startswith(one) for one in digits)


def checked(key: str) -> str:
    """The key itself. Raises StorageError unless it is a relative POSIX path without ``.``, ``..`` or
    blanks.
    """
    parts = key.split("/")
    if "\\" in key or "\0" in key or any(part in ("", ".", "..") for part in parts) or ":" in parts[0]:
        raise StorageError(f"{key!r} is no storage key: use a relative path with / and without . or ..")
    return key


def is_key(key: str) -> bool:
    """Whether ``checked`` takes it; what stands in storage may have come some other way than by ours."""
    try:
        checked(key)
    except StorageError:
        return False
    return True


def _safe(text: str) -> str:
    return _LABEL.sub("-", text).strip("-.")
