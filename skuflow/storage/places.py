"""Where storage is: what SKUFLOW_STORAGE and the OSS_ variables mean together."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from skuflow.storage.keys import checked
from skuflow.storage.objects import StorageError

FILE_SCHEME = "file:"
OSS_SCHEME = "oss://"

# A bucket's naming rules: Alibaba Cloud help, "Bucket naming conventions".
_BUCKET = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
_REGION = re.compile(r"[a-z]{2,}(-[a-z0-9]+)+")
_OSS_HOST = re.compile(r"oss-(?P<region>[a-z0-9-]+?)(?P<internal>-internal)?\.aliyuncs\.com")
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
_LOOPBACK = frozenset({"127.0.0.1", "localhost"})


class PlaceError(ValueError):
    """Storage settings that cannot be used; one line that names the variable and what to write instead."""


@dataclass(frozen=True, slots=True)
class OssPlace:
    """A bucket, how it is reached and as whom. ``prefix`` stands before every key, ending in ``/`` unless empty.

    ``endpoint`` is for reading and writing, ``public_endpoint`` for the addresses that others are given: those of
    an internal endpoint lead nowhere outside the region.
    """

    bucket: str
    prefix: str
    region: str
    endpoint: str
    public_endpoint: str
    access_key_id: str = field(repr=False)
    access_key_secret: str = field(repr=False)
    session_token: str = field(repr=False, default="")

    @property
    def address(self) -> str:
        """As in SKUFLOW_STORAGE."""
        return f"{OSS_SCHEME}{self.bucket}/{self.prefix}".rstrip("/")


def folder_of(storage: str) -> Path:
    """The folder of ``file:DIR``. Raises PlaceError."""
    folder = storage.removeprefix(FILE_SCHEME)
    if not storage.startswith(FILE_SCHEME) or not folder:
        raise PlaceError(f"SKUFLOW_STORAGE={storage!r}: write file:DIR or oss://BUCKET/PREFIX")
    return Path(folder)


def oss_place(storage: str, variables: Mapping[str, str]) -> OssPlace:
    """The place of ``oss://BUCKET/PREFIX``; ``variables`` are the OSS_ ones by name, an empty one counts as not set.

    OSS_REGION and OSS_ENDPOINT follow from each other where the endpoint is one of OSS's own, and OSS_PUBLIC_ENDPOINT
    is OSS_ENDPOINT without ``-internal``. An endpoint of another host is a domain that belongs to this bucket.

    Raises PlaceError.
    """
    bucket, prefix = _bucket_and_prefix(storage)
    for name in ("OSS_ACCESS_KEY_ID", "OSS_ACCESS_KEY_SECRET"):
        if not variables.get(name):
            raise PlaceError(f"{name} is not set; SKUFLOW_STORAGE={storage} needs the key of a RAM user")
    endpoint = variables.get("OSS_ENDPOINT", "")
    region = variables.get("OSS_REGION", "") or _region_of(endpoint)
    if not region:
        raise PlaceError("OSS_REGION is not set; write the region of the bucket, such as cn-hangzhou")
    if not _REGION.fullmatch(region) or region.endswith("-internal") or region.startswith("oss-"):
        raise PlaceError(f"OSS_REGION={region!r}: write the region of the bucket, such as cn-hangzhou")
    endpoint = _checked_endpoint(
        "OSS_ENDPOINT", endpoint or f"https://oss-{region}.aliyuncs.com", region, bucket
    )
    public = variables.get("OSS_PUBLIC_ENDPOINT", "") or endpoint.replace(
        "-internal.aliyuncs.com", ".aliyuncs.com"
    )
    public = _checked_endpoint("OSS_PUBLIC_ENDPOINT", public, region, bucket)
    if is_internal(public):
        raise PlaceError(
            f"OSS_PUBLIC_ENDPOINT={public}: vendors cannot reach an internal endpoint; write it without -internal"
        )
    return OssPlace(
        bucket=bucket,
        prefix=prefix,
        region=region,
        endpoint=endpoint,
        public_endpoint=public,
        access_key_id=variables["OSS_ACCESS_KEY_ID"].strip(),
        access_key_secret=variables["OSS_ACCESS_KEY_SECRET"].strip(),
        session_token=variables.get("OSS_SESSION_TOKEN", "").strip(),
    )


def is_internal(endpoint: str) -> bool:
    """Whether only machines of the region reach it."""
    match = _OSS_HOST.fullmatch(urlsplit(endpoint).hostname or "")
    return match is not None and match["internal"] is not None


def is_own_domain(endpoint: str) -> bool:
    """Whether the host stands for one bucket (a CNAME), so that no bucket's name is put before it."""
    host = urlsplit(endpoint).hostname or ""
    return host not in _LOOPBACK and not host.endswith(".aliyuncs.com")


def _bucket_and_prefix(storage: str) -> tuple[str, str]:
    bucket, _, prefix = storage.removeprefix(OSS_SCHEME).partition("/")
    prefix = prefix.rstrip("/")
    if not _BUCKET.fullmatch(bucket):
        raise PlaceError(
            f"SKUFLOW_STORAGE={storage!r}: write oss://BUCKET/PREFIX; a bucket's name has 3 to 63 small letters, "
            "digits and hyphens"
        )
    if prefix:
        try:
            checked(prefix)
        except StorageError:
            raise PlaceError(
                f"SKUFLOW_STORAGE={storage!r}: the prefix must be a path without . or .."
            ) from None
    return bucket, f"{prefix}/" if prefix else ""


def _region_of(endpoint: str) -> str:
    match = _OSS_HOST.fullmatch(urlsplit(endpoint).hostname or "") if "://" in endpoint else None
    # Acceleration is the same host name for every region.
    return match["region"] if match is not None and not match["region"].startswith("accelerate") else ""


def _checked_endpoint(name: str, endpoint: str, region: str, bucket: str) -> str:
    try:
        parts = urlsplit(endpoint)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise PlaceError(f"{name}: is no address; write https://oss-{region}.aliyuncs.com") from None
    # An endpoint may be pasted with a password in it, so it is not quoted before that is excluded.
    if not _HOST.fullmatch(host) or parts.username or parts.path.strip("/") or parts.query or parts.fragment:
        raise PlaceError(
            f"{name}: write scheme and host only, such as https://oss-{region}.aliyuncs.com, without bucket and path"
        )
    if parts.scheme != "https" and not (parts.scheme == "http" and host in _LOOPBACK):
        raise PlaceError(
            f"{name}={endpoint}: write https:// before the host; what is sent holds the shop's products"
        )
    if host.startswith(f"{bucket}.") and host.endswith(".aliyuncs.com"):
        raise PlaceError(f"{name}={endpoint}: leave the bucket's name out; it is added where it belongs")
    if (found := _region_of(endpoint)) and found != region:
        raise PlaceError(
            f"{name}={endpoint}: is in {found}, but OSS_REGION={region}; both must be the bucket's"
        )
    return f"{parts.scheme}://{host}" + (f":{port}" if port else "")
