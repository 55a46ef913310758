"""Makes a picture reachable for the vendor: a signed address of our storage, the vendor's temporary storage, or a data
URI, in that order. All of it is free and comes before the paid request.
"""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx

from providers.dashscope.wanx.answers import refusal_in
from providers.dashscope.wanx.models import PROVIDER, Model
from providers.dashscope.wanx.pictures import Picture
from providers.dashscope.wire import base_headers
from providers.wire.http import VendorHttp, tls
from providers.wire.inputs import data_uri, public_url
from skuflow.jobs.errors import InvalidInputError, TransientError, UnexpectedResponseError
from skuflow.settings import Settings
from skuflow.storage.objects import ObjectStore

_VALID_S = 24 * 3600
"""A job may queue at the vendor before its picture is fetched; the vendor gives up after hours, never after a day."""
_POLICY_FIELDS = ("policy", "signature", "upload_dir", "upload_host", "oss_access_key_id")


class Publisher:
    """Publishes pictures for one account."""

    def __init__(self, settings: Settings, store: ObjectStore, http: VendorHttp) -> None:
        self._settings = settings
        self._store = store
        self._http = http

    async def publish(self, picture: Picture, model: Model) -> str:
        """An address that goes into a request for ``model``: http(s)://, oss:// or data:.

        Raises TransientError where storage or the vendor's temporary storage fails, InvalidInputError where the model
        cannot take the picture the way that is set.
        """
        address = await asyncio.to_thread(self._public_address, picture)
        if address is not None:
            return address
        if self._settings.skuflow_dashscope_inputs == "upload":
            return await self._upload(picture, model)
        if not model.inlines:
            raise InvalidInputError(
                f"{model.name} takes pictures by address only; set SKUFLOW_DASHSCOPE_INPUTS=upload or keep"
                " SKUFLOW_STORAGE in OSS",
                PROVIDER,
            )
        return data_uri(picture.data, picture.media_type)

    def _public_address(self, picture: Picture) -> str | None:
        # Signing sends nothing, and tells whether storage can be reached from outside before a copy is put there.
        if public_url(self._store, picture.source) is None:
            return None
        digest = hashlib.sha256(picture.data).hexdigest()
        key = f"published/{PROVIDER}/{digest}.{picture.extension}"
        published = self._store.put(key, picture.data, picture.media_type)
        address = public_url(self._store, published, _VALID_S)
        if address is not None and not address.isascii():
            raise InvalidInputError(
                "DashScope takes no address with other than ASCII characters; choose a SKUFLOW_STORAGE prefix without",
                PROVIDER,
            )
        return address

    async def _upload(self, picture: Picture, model: Model) -> str:
        """Page "get-temporary-file-url": a policy for this model, then a form to the host that it names. The file is
        gone after 48 hours and only this model of this account can read it.
        """
        policy = await self._policy(model)
        digest = hashlib.sha256(picture.data).hexdigest()
        # The policy forbids to overwrite, so that two jobs with the same picture must not share a name.
        name = f"{digest[:16]}-{uuid.uuid4().hex[:8]}.{picture.extension}"
        key = f"{policy['upload_dir']}/{name}"
        form = {
            "OSSAccessKeyId": policy["oss_access_key_id"],
            "Signature": policy["signature"],
            "policy": policy["policy"],
            "key": key,
            "x-oss-object-acl": policy.get("x_oss_object_acl", "private"),
            "x-oss-forbid-overwrite": policy.get("x_oss_forbid_overwrite", "true"),
            "success_action_status": "200",
            "x-oss-content-type": picture.media_type,
        }
        status = await self._post(policy["upload_host"], form, name, picture)
        if status not in (200, 201, 204):
            raise TransientError(
                f"DashScope's temporary storage refused a picture (HTTP {status})", PROVIDER, str(status)
            )
        return f"oss://{key}"

    async def _policy(self, model: Model) -> dict[str, str]:
        reply = await self._http.ask(
            "GET",
            "/uploads",
            params={"action": "getPolicy", "model": model.name},
            headers=base_headers(self._settings),
        )
        if reply.status != 200:
            error = refusal_in(reply, submitting=False)
            if isinstance(error, UnexpectedResponseError):
                raise TransientError(error.message, PROVIDER, error.code, error.request_id) from error
            raise error
        return self._checked(reply.value().get("data"))

    def _checked(self, data: Any) -> dict[str, str]:
        """The policy's fields. The host is the vendor's word, but a form with credentials goes to none in the clear,
        except to the configured address itself, which may be a rehearsal on this machine.
        """
        if not isinstance(data, Mapping) or any(
            not isinstance(data.get(name), str) for name in _POLICY_FIELDS
        ):
            raise TransientError("DashScope offers no upload in a form that is known", PROVIDER)
        policy = {str(name): str(value) for name, value in data.items()}
        host, own = urlsplit(policy["upload_host"]), urlsplit(self._http.base_url)
        if host.scheme != "https" and (host.scheme, host.netloc) != (own.scheme, own.netloc):
            raise TransientError("DashScope names an upload host without TLS; nothing was sent", PROVIDER)
        return policy

    async def _post(self, url: str, form: Mapping[str, str], name: str, picture: Picture) -> int:
        timeout = httpx.Timeout(self._http.timeout_s, connect=10.0)
        try:
            async with httpx.AsyncClient(verify=tls(), timeout=timeout, trust_env=False) as client:
                # The storage service reads the form up to the file, which httpx sends last.
                answer = await client.post(
                    url, data=dict(form), files={"file": (name, picture.data, picture.media_type)}
                )
        except httpx.HTTPError as error:
            raise TransientError(
                f"DashScope's temporary storage cannot be reached ({type(error).__name__})", PROVIDER
            ) from error
        return answer.status_code
