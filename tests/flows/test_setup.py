"""Set-up on a Prefect server of its own, with a password: what it makes once, what it leaves, what it takes away."""

from __future__ import annotations

import ast
import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from prefect.blocks.notifications import CustomWebhookNotificationBlock
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import DeploymentScheduleCreate, WorkPoolCreate
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
from prefect.states import Running
from prefect.types import SecretDict

from deployments.events.bell import PrefectBell
from deployments.setup.automations import (
    ARRIVALS_DEPLOYMENT,
    ATTENTION,
    DOORBELL,
    FAILURES,
    HEARD_OF,
    ZOMBIES,
    attention,
    doorbell,
    failures,
    make_automations,
    make_doorbell,
    zombie_after_s,
    zombies,
)
from deployments.setup.kept import NOTE, give_slugs, put_back, write_down
from deployments.setup.notices import ALERTS_BLOCK, shape_for
from deployments.setup.pool import POOL, UPKEEP, UPKEEP_RUNS_AT_ONCE, make_pool
from skuflow.environment import prefect_server_environment
from skuflow.settings import SettingsError, read_settings
from tasks.credentials import BLOCKS
from tasks.dead_runs import FLOWS
from tests.flows.own_prefect import PASSWORD, OwnPrefect, own_prefect
from tests.flows.up_household import eventually

ROOT = Path(__file__).resolve().parents[2]
SCHEDULED_WITHIN_S = 120.0
CHAT = "https://chat.example/robot?token=of-the-chat"


@pytest.fixture(scope="module")
def prefect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnPrefect]:
    with own_prefect(tmp_path_factory.mktemp("setup")) as running:
        yield running


@pytest_asyncio.fixture
async def client(prefect: OwnPrefect) -> AsyncIterator[PrefectClient]:
    """To a server without automations."""
    async with get_client() as opened:
        for automation in await opened.read_automations():
            await opened.delete_automation(automation.id)
        yield opened


async def test_the_server_makes_the_runs_of_a_schedule(prefect: OwnPrefect, client: PrefectClient) -> None:
    """It does not with every version of SQLAlchemy that it allows, and then nothing runs at night."""
    flow_id = await client.create_flow_from_name("by-the-clock")
    every_minute = DeploymentScheduleCreate(schedule=IntervalSchedule(interval=timedelta(minutes=1)))
    deployment_id = await client.create_deployment(flow_id, "soon", schedules=[every_minute])
    wanted = {"deployments": {"id": {"any_": [str(deployment_id)]}}}
    assert eventually(lambda: bool(prefect.ask("POST", "/flow_runs/filter", json=wanted)), SCHEDULED_WITHIN_S)
    await client.delete_deployment(deployment_id)


async def test_a_ring_starts_the_run_of_arrivals(prefect: OwnPrefect, client: PrefectClient) -> None:
    flow, _, name = ARRIVALS_DEPLOYMENT.partition("/")
    deployment_id = await client.create_deployment(await client.create_flow_from_name(flow), name)
    assert await make_doorbell(client)
    wanted = {"deployments": {"id": {"any_": [str(deployment_id)]}}}
    bell = PrefectBell(prefect.api_url, PASSWORD)

    def somebody_came() -> bool:
        # Again until somebody comes, as the receiver does: the server may not have heard of the automation yet.
        bell.ring()
        return bool(prefect.ask("POST", "/flow_runs/filter", json=wanted))

    assert await asyncio.to_thread(eventually, somebody_came, SCHEDULED_WITHIN_S)
    begun = prefect.ask("POST", "/flow_runs/filter", json=wanted)
    assert {run["created_by"]["type"] for run in begun} == {"AUTOMATION"}
    await client.delete_deployment(deployment_id)


async def automations(client: PrefectClient) -> dict[str, Any]:
    """By name; a name that is there twice fails."""
    found = await client.read_automations()
    assert len({one.name for one in found}) == len(found)
    return {one.name: one for one in found}


def address_of_the_block(prefect: OwnPrefect, *, shown: bool) -> Any:
    """What the UI shows of the address, or what is kept."""
    path = f"/block_types/slug/custom-webhook/block_documents/name/{ALERTS_BLOCK}?include_secrets={shown}"
    return prefect.ask("GET", path)["data"]


async def limits(client: PrefectClient) -> dict[str, int | None]:
    queues = await client.read_work_queues(work_pool_name=POOL)
    return {queue.name: queue.concurrency_limit for queue in queues}


async def test_the_command_makes_everything_and_may_be_given_twice(
    prefect: OwnPrefect, client: PrefectClient
) -> None:
    for limit in ("2", "3"):
        done = prefect.set_up("--runs-at-once", limit, SKUFLOW_ALERT_WEBHOOK=CHAT)
        assert (done.returncode, done.stdout) == (0, ""), done.stderr
        pool = await client.read_work_pool(POOL)
        assert (pool.type, pool.concurrency_limit) == ("process", None)
        assert await limits(client) == {"default": int(limit), UPKEEP: UPKEEP_RUNS_AT_ONCE}
        assert set(await automations(client)) == {ZOMBIES, FAILURES, ATTENTION}
    known = {block_type.slug for block_type in await client.read_block_types()}
    assert {block.get_block_type_slug() for block in BLOCKS} <= known

    silenced = prefect.set_up()
    assert (silenced.returncode, silenced.stdout.count("\n")) == (0, 1)
    assert "nobody is told" in silenced.stdout
    assert set(await automations(client)) == {ZOMBIES}
    assert (await limits(client))["default"] == 3


async def test_what_is_as_wanted_is_not_touched(prefect: OwnPrefect, client: PrefectClient) -> None:
    """An update gives the trigger a new id, and Prefect forgets which runs it was watching."""
    await make_automations(client, CHAT)
    before = prefect.ask("POST", "/automations/filter", json={})
    await make_automations(client, CHAT)
    after = prefect.ask("POST", "/automations/filter", json={})
    assert [one["trigger"]["id"] for one in after] == [one["trigger"]["id"] for one in before]
    assert after == before
    assert len(after) == 3


async def test_what_was_changed_is_mended_and_a_switch_stays(client: PrefectClient) -> None:
    await make_automations(client, CHAT)
    made = await automations(client)
    other = zombies(540)
    other = other.model_copy(
        update={"enabled": False, "trigger": other.trigger.model_copy(update={"threshold": 2})}
    )
    await client.update_automation(made[ZOMBIES].id, other)
    assert (await automations(client))[ZOMBIES].trigger.threshold == 2
    await client.pause_automation(made[ATTENTION].id)

    await make_automations(client, CHAT)
    mended = await automations(client)
    assert {name: one.enabled for name, one in mended.items()} == {
        ZOMBIES: False,
        FAILURES: True,
        ATTENTION: False,
    }
    assert mended[ZOMBIES].id == made[ZOMBIES].id
    assert mended[ZOMBIES].trigger.threshold == 1


async def test_of_two_by_one_name_one_is_left(client: PrefectClient) -> None:
    for _ in range(2):
        await client.create_automation(zombies(540))
    await make_automations(client, "")
    assert set(await automations(client)) == {ZOMBIES}


async def test_people_are_told_exactly_while_there_is_an_address(
    prefect: OwnPrefect, client: PrefectClient
) -> None:
    assert await make_automations(client, "") is False
    assert set(await automations(client)) == {ZOMBIES}

    await make_automations(client, CHAT)
    assert set(await automations(client)) == {ZOMBIES, FAILURES, ATTENTION}
    first = await automations(client)
    await make_automations(client, "https://other.example/hook")
    assert await automations(client) == first
    assert address_of_the_block(prefect, shown=True)["secrets"] == {"address": "https://other.example/hook"}
    assert "other.example" not in str(address_of_the_block(prefect, shown=False))

    assert await make_automations(client, "") is True
    assert set(await automations(client)) == {ZOMBIES}
    documents = await client.read_block_documents()
    assert ALERTS_BLOCK not in {document.name for document in documents}


async def test_the_doorbell_that_was_switched_off_stays_off_through_every_deploy(
    prefect: OwnPrefect, client: PrefectClient
) -> None:
    assert await make_doorbell(client) is False
    flow, _, name = ARRIVALS_DEPLOYMENT.partition("/")
    deployment = await client.create_deployment(await client.create_flow_from_name(flow), name)
    # As an earlier version's deploy made it, and a person switched it off.
    earlier = doorbell(deployment).model_copy(
        update={"name": "products arrived", "owner_resource": f"prefect.deployment.{deployment}"}
    )
    await client.pause_automation(await client.create_automation(earlier))
    # Somebody else's on the same server, of the same everyday name.
    others = earlier.model_copy(
        update={
            "owner_resource": None,
            "trigger": earlier.trigger.model_copy(update={"expect": {"warehouse.products.arrived"}}),
        }
    )
    others_id = await client.create_automation(others)
    assert await make_doorbell(client) is True
    made = await automations(client)
    assert {one: made[one].enabled for one in made} == {DOORBELL: False, "products arrived": True}
    await client.delete_automation(others_id)

    await client.resume_automation(made[DOORBELL].id)
    await make_doorbell(client)
    assert (await automations(client))[DOORBELL].enabled
    await client.pause_automation(made[DOORBELL].id)
    # What a deploy does with the triggers of the deployment before it makes those of its file.
    await client.delete_resource_owned_automations(f"prefect.deployment.{deployment}")
    assert prefect.set_up().returncode == 0
    again = (await automations(client))[DOORBELL]
    assert (again.id, again.enabled) == (made[DOORBELL].id, False)
    await client.delete_deployment(deployment)


@pytest.mark.parametrize(
    ("address", "posted"),
    [
        (
            "https://oapi.dingtalk.com/robot/send?access_token=x",
            {"msgtype": "text", "text": {"content": "S\nB"}},
        ),
        (
            "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=x",
            {"msgtype": "text", "text": {"content": "S\nB"}},
        ),
        ("https://open.feishu.cn/open-apis/bot/v2/hook/x", {"msg_type": "text", "content": {"text": "S\nB"}}),
        (
            "https://open.larksuite.com/open-apis/bot/v2/hook/x",
            {"msg_type": "text", "content": {"text": "S\nB"}},
        ),
        ("https://hooks.slack.com/services/T/B/x", {"text": "S\nB"}),
        ("https://oapi.dingtalk.com.example/robot", {"title": "S", "text": "B"}),
        (CHAT, {"title": "S", "text": "B"}),
    ],
)
def test_chats_are_posted_what_their_robots_take(address: str, posted: dict[str, Any]) -> None:
    block = CustomWebhookNotificationBlock(
        name="x", url="{{address}}", secrets=SecretDict({"address": address}), json_data=shape_for(address)
    )
    request = block._build_request_args("B", "S")
    assert (request["url"], request["json"]) == (address, posted)


@pytest.mark.parametrize(
    "address", ["chat.example/robot", "ftp://chat.example/x", "https://", "http://[::1/x"]
)
async def test_an_address_that_is_none_is_refused_and_nothing_is_made(
    client: PrefectClient, address: str
) -> None:
    with pytest.raises(SettingsError, match=r"write https://HOST/PATH"):
        await make_automations(client, address)
    assert await automations(client) == {}


SHOP = """
name: shop
definitions:
  pool: &pool {name: skuflow}
deployments:
  - name: nightly
    entrypoint: night.py:night
    work_pool: *pool
    schedules:
      - {cron: "30 2 * * *", timezone: Asia/Shanghai, slug: nightly}
      - {cron: "0 5 * * *", timezone: Asia/Shanghai, slug: early}
"""
LATE = "      - {cron: '0 22 * * *', timezone: Asia/Shanghai, slug: late}\n"
NIGHT = """
from prefect import flow

@flow(name="new-listings")
def night(markets: list[str] | None = None) -> None: ...
"""


class Shop:
    """A folder with a ``prefect.yaml`` and its flow, deployed as ``skuflow up`` deploys its own."""

    def __init__(self, prefect: OwnPrefect, client: PrefectClient, folder: Path) -> None:
        self._prefect, self._client, self.folder = prefect, client, folder
        self.file, self.note = folder / "prefect.yaml", folder / NOTE
        self.file.write_text(SHOP)
        (folder / "night.py").write_text(NIGHT)

    async def before(self) -> None:
        assert await put_back(self._client, self.note, self.file) == []
        await give_slugs(self._client, self.file)
        await write_down(self._client, self.note)

    async def deploy(self) -> None:
        words = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"]
        done = await asyncio.to_thread(
            subprocess.run,
            words,
            cwd=self.folder,
            env=self._prefect.environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    async def after(self) -> list[str]:
        said = await put_back(self._client, self.note, self.file)
        await give_slugs(self._client, self.file)
        return said

    async def read(self) -> DeploymentResponse:
        return await self._client.read_deployment_by_name("new-listings/nightly")

    async def switches(self) -> dict[str, bool]:
        return {str(one.schedule.cron): one.active for one in (await self.read()).schedules}  # type: ignore[union-attr]


async def test_what_people_set_on_a_deployment_outlives_a_deploy(
    prefect: OwnPrefect, client: PrefectClient, tmp_path: Path
) -> None:
    """Off stays off, taken away does not come back switched on, and their own schedules stay as they are."""
    await make_pool(client, None)
    shop = Shop(prefect, client, tmp_path)
    await shop.before()
    await shop.deploy()
    assert await shop.after() == []
    assert await shop.switches() == {"30 2 * * *": True, "0 5 * * *": True}

    made = await shop.read()
    by_slug = {one.slug: one for one in made.schedules}
    await client.update_deployment_schedule(made.id, by_slug["nightly"].id, active=False)
    await client.delete_deployment_schedule(made.id, by_slug["early"].id)
    night, dawn = (CronSchedule(cron=cron, timezone="Asia/Shanghai") for cron in ("0 23 * * *", "0 1 * * *"))
    own = DeploymentScheduleCreate(schedule=night, parameters={"markets": ["ES"]})
    await client.create_deployment_schedules(
        made.id, [own, DeploymentScheduleCreate(schedule=dawn, active=False)]
    )
    prefect.ask("PATCH", f"/deployments/{made.id}", json={"paused": True, "parameters": {"markets": ["US"]}})
    shop.file.write_text(SHOP + LATE)

    await shop.before()
    await shop.deploy()
    (said,) = await shop.after()
    assert "schedule early had been taken away" in said

    assert await shop.switches() == {
        "30 2 * * *": False,
        "0 5 * * *": False,
        "0 23 * * *": True,
        "0 1 * * *": False,
        # New in the file, and nobody has said anything against it.
        "0 22 * * *": True,
    }
    again = await shop.read()
    assert (again.paused, again.parameters) == (True, {"markets": ["US"]})
    assert [one.parameters for one in again.schedules if one.parameters] == [{"markets": ["ES"]}]
    assert await shop.after() == [], "there is nothing left to put back"
    await client.delete_deployment(again.id)


async def test_parameters_that_are_taken_out_of_the_file_are_gone(
    prefect: OwnPrefect, client: PrefectClient, tmp_path: Path
) -> None:
    await make_pool(client, None)
    shop = Shop(prefect, client, tmp_path)
    for text, parameters in ((SHOP + "    parameters: {markets: [US]}\n", {"markets": ["US"]}), (SHOP, {})):
        shop.file.write_text(text)
        await shop.before()
        await shop.deploy()
        assert await shop.after() == []
        assert (await shop.read()).parameters == parameters
    await client.delete_deployment((await shop.read()).id)


async def test_a_pool_of_another_type_stays_what_it_is(client: PrefectClient) -> None:
    await client.delete_work_pool(POOL)
    await client.create_work_pool(WorkPoolCreate(name=POOL, type="docker", concurrency_limit=7))
    await make_pool(client, None)
    assert (await client.read_work_pool(POOL)).concurrency_limit == 7
    await make_pool(client, 4)
    pool = await client.read_work_pool(POOL)
    assert (pool.type, pool.concurrency_limit) == ("docker", None), "it would hold upkeep up"
    assert await limits(client) == {"default": 4, UPKEEP: UPKEEP_RUNS_AT_ONCE}


async def test_the_janitor_is_handed_out_while_long_runs_fill_the_pool(client: PrefectClient) -> None:
    await make_pool(client, 1)
    flow_id = await client.create_flow_from_name("toy")
    usual = await client.create_deployment(flow_id, "usual", work_pool_name=POOL)
    upkeep = await client.create_deployment(flow_id, "upkeep", work_pool_name=POOL, work_queue_name=UPKEEP)
    long, _waiting = [await client.create_flow_run_from_deployment(usual) for _ in range(2)]
    janitor = await client.create_flow_run_from_deployment(upkeep)
    await client.set_flow_run_state(long.id, Running(), force=True)
    handed_out = await client.get_scheduled_flow_runs_for_work_pool(POOL)
    assert [one.flow_run.id for one in handed_out] == [janitor.id]


def test_a_run_is_dead_after_three_heartbeats() -> None:
    assert zombie_after_s() == 540
    with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: 60}):
        assert zombie_after_s() == 180


def test_runs_that_died_with_the_server_are_not_forgotten_for_seven_days(tmp_path: Path) -> None:
    from prefect.settings.models.server.events import ServerEventsSettings

    with pytest.MonkeyPatch.context() as patch:
        for name, value in prefect_server_environment(read_settings({"skuflow_home": tmp_path})).items():
            patch.setenv(name, value)
        assert ServerEventsSettings().expired_bucket_buffer.days == 7


def test_every_name_that_a_good_end_has_is_heard_of() -> None:
    """Prefect's event bears the state's name, so a name that is not listed would count as silence."""
    named = {"Completed"}
    for path in (ROOT / "flows").rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and ast.unparse(call.func) == "Completed":
                names = [word.value for word in call.keywords if word.arg == "name"]
                constants = [one for name in names for one in ast.walk(name) if isinstance(one, ast.Constant)]
                named |= {one.value for one in constants if isinstance(one.value, str)}
    # The janitor gives its name in a variable.
    assert named >= {"Completed", "Unfinished"}
    assert {f"prefect.flow-run.{name}" for name in named} <= HEARD_OF


def test_the_news_of_a_failure_does_not_depend_on_the_watch_over_dead_runs() -> None:
    watched = {*zombies(540).trigger.model_dump()["expect"], *zombies(540).trigger.model_dump()["after"]}
    assert not watched & {f"prefect.flow-run.{name}" for name in ("Failed", "Crashed", "TimedOut")}


def test_every_flow_is_watched() -> None:
    found = set()
    for path in (ROOT / "flows").glob("*.py"):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and ast.unparse(call.func) == "flow":
                found |= {ast.literal_eval(word.value) for word in call.keywords if word.arg == "name"}
    assert found == set(FLOWS)


def test_only_runs_of_these_flows_are_touched() -> None:
    block = "00000000-0000-0000-0000-000000000000"
    for automation in (zombies(540), failures(block)):
        related = automation.trigger.model_dump()["match_related"]
        assert related == {"prefect.resource.role": "flow", "prefect.resource.name": list(FLOWS)}
    assert attention(block).trigger.model_dump()["expect"] == {"skuflow.attention"}
