"""``python -m deployments.setup``: work pool, block types and automations in the server that PREFECT_API_URL names.

Safe to run again at any time. With ``--before-deploy`` it comes before ``prefect --no-prompt deploy --all``, without it
after that: then it makes the automation that needs one of the deployments, and puts back what people had set on them in
the UI. Runs that were taken and never began are called Crashed, since two of them keep the janitor, whose work that is,
from beginning.
"""

from __future__ import annotations

import argparse
import asyncio
import sys

from prefect import get_client

from deployments.setup.automations import make_automations, make_doorbell
from deployments.setup.blocks import make_block_types
from deployments.setup.kept import NOTE, give_slugs, put_back, write_down
from deployments.setup.pool import make_pool
from flows.supervisor.household import CHECKOUT
from skuflow.settings import SettingsError, read_settings
from tasks.dead_runs import mark_never_begun


async def set_up(runs_at_once: int | None, *, before_deploy: bool = False) -> None:
    """Everything, in the server of the environment. ``runs_at_once``: see ``make_pool``."""
    settings = read_settings(looks_at_storage=False)
    note, file = settings.skuflow_home / NOTE, CHECKOUT / "prefect.yaml"
    async with get_client() as client:
        await make_pool(client, runs_at_once)
        await make_block_types()
        if await make_automations(client, settings.skuflow_alert_webhook.get_secret_value()):
            print("SKUFLOW_ALERT_WEBHOOK is empty: nobody is told of failures any more")
        await make_doorbell(client)
        # Before a deploy, too: the last one may have been killed.
        for line in await put_back(client, note, file):
            print(line)
        await give_slugs(client, file)
        if before_deploy:
            await write_down(client, note)
    for line in await mark_never_begun():
        print(line)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m deployments.setup", description=__doc__)
    parser.add_argument(
        "--runs-at-once", type=int, default=None, help="how many runs at a time, upkeep not counted"
    )
    parser.add_argument(
        "--before-deploy", action="store_true", help="a deploy follows, and this again after it"
    )
    given = parser.parse_args()
    try:
        asyncio.run(set_up(given.runs_at_once, before_deploy=given.before_deploy))
    except SettingsError as error:
        print(f"skuflow: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
