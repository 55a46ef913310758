"""Rings in Prefect: one event that starts ``new-listings/arrivals``. It carries nothing; the database knows what
landed.

By HTTP rather than by Prefect's own client, whose import costs seconds and a hundred megabytes, and which reports a
lost event in a log only.
"""

from __future__ import annotations

import base64
import uuid
from datetime import UTC, datetime
from typing import Protocol

import httpx

from skuflow.ledger.redaction import redacted
from skuflow.settings import Settings

EVENT = "skuflow.products.arrived"
RESOURCE = "skuflow.arrivals"
_LIMIT_S = 10.0


class BellError(Exception):
    """Prefect did not take the event; one line that says why."""


class Bell(Protocol):
    def ring(self) -> None:
        """Say that something landed. Raises BellError."""
        ...


class PrefectBell:
    """Rings at the server of ``api_url``. ``auth``: "user:password" of its basic auth, empty for none."""

    def __init__(self, api_url: str, auth: str = "") -> None:
        self._api_url = api_url.rstrip("/")
        self._headers = {"Authorization": f"Basic {base64.b64encode(auth.encode()).decode()}"} if auth else {}

    def ring(self) -> None:
        event = {
            "id": str(uuid.uuid4()),
            "occurred": datetime.now(UTC).isoformat(),
            "event": EVENT,
            "resource": {"prefect.resource.id": RESOURCE, "prefect.resource.name": "arrivals"},
            "payload": {},
        }
        try:
            # What the environment says of proxies is not meant for the own server.
            with httpx.Client(headers=self._headers, timeout=_LIMIT_S, trust_env=False) as client:
                reply = client.post(f"{self._api_url}/events", json=[event])
                if reply.status_code == 403 and "CSRF" in reply.text.upper():
                    reply = client.post(f"{self._api_url}/events", json=[event], headers=self._csrf(client))
        except httpx.HTTPError as error:
            raise BellError(redacted(f"Prefect at {self._api_url} does not answer: {error}")) from error
        if reply.status_code == 401:
            raise BellError("Prefect asks for a password; set PREFECT_API_AUTH_STRING to that of its server")
        if not reply.is_success:
            raise BellError(redacted(f"Prefect refused the event: {reply.status_code} {reply.text}"))

    def _csrf(self, client: httpx.Client) -> dict[str, str]:
        who = str(uuid.uuid4())
        reply = client.get(f"{self._api_url}/csrf-token", params={"client": who})
        token = reply.json().get("token", "") if reply.is_success else ""
        return {"Prefect-Csrf-Token": token, "Prefect-Csrf-Client": who}


def bell_of(settings: Settings) -> Bell | None:
    """The bell of the server that PREFECT_API_URL names; None where it names none."""
    if not settings.prefect_api_url:
        return None
    auth = settings.prefect_api_auth_string or settings.prefect_server_api_auth_string
    return PrefectBell(settings.prefect_api_url, auth.get_secret_value())
