"""``python -m deployments.events``: the receiver on SKUFLOW_HOST and SKUFLOW_EVENTS_PORT, until it is stopped."""

from __future__ import annotations

import logging
import sys

import uvicorn

from deployments.events.app import from_settings
from skuflow.settings import Settings, SettingsError, read_settings

LOOPBACK = "127.0.0.1"

_log = logging.getLogger(__name__)


def host_of(settings: Settings) -> str:
    """Where to listen: without a token on this machine only, whatever SKUFLOW_HOST says."""
    return settings.skuflow_host if settings.skuflow_events_token.get_secret_value() else LOOPBACK


def main() -> int:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        settings = read_settings()
        app = from_settings()
    except SettingsError as error:
        print(f"skuflow: {error}", file=sys.stderr)
        return 2
    host = host_of(settings)
    if host != settings.skuflow_host:
        _log.warning("SKUFLOW_EVENTS_TOKEN is not set: listening on %s only", host)
    # Addresses may hold a token, so they are not logged.
    uvicorn.run(app, host=host, port=settings.skuflow_events_port, access_log=False, log_level="info")
    return 0


if __name__ == "__main__":
    sys.exit(main())
