"""What Prefect does by itself when runs go wrong.

Triggers and actions as in Prefect's documentation of automations, checked against Prefect 3.8.8. A run without a
heartbeat for a while died with its machine, and open-source Prefect has nothing that notices unless an automation says
so. All of it holds for runs of skuflow's own flows only: others may run on the same server.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from prefect.automations import AutomationCore
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState, RunDeployment, SendNotification
from prefect.events.schemas.automations import EventTrigger, Posture
from prefect.events.schemas.events import ResourceSpecification
from prefect.exceptions import ObjectNotFound
from prefect.settings import get_current_settings

from deployments.events.bell import EVENT, RESOURCE
from deployments.setup import notices
from skuflow.housekeeping.concerns import ATTENTION_EVENT
from tasks.dead_runs import FLOWS

ZOMBIES = "skuflow: runs whose process is gone"
FAILURES = "skuflow: tell of failed runs"
ATTENTION = "skuflow: tell what a person must see"
DOORBELL = "skuflow: products arrived"
ARRIVALS_DEPLOYMENT = "new-listings/arrivals"
_EARLIER_DOORBELL = "products arrived"
"""As ``prefect.yaml`` had it once."""

HEARTBEATS_MISSED = 3
USUAL_HEARTBEAT_S = 180
"""Prefect's default of PREFECT_FLOWS_HEARTBEAT_FREQUENCY."""

HEARTBEAT = "prefect.flow-run.heartbeat"
HEARD_OF = frozenset(
    f"prefect.flow-run.{name}"
    for name in ("Completed", "Unfinished", "Cancelled", "Scheduled", "AwaitingRetry")
)
"""Events after which nothing more needs to be heard: the run has ended, or is to begin anew. Prefect names them after
the state's name, and one of the names is skuflow's own.

Failed and crashed are not among them. On SQLite Prefect may fail to note such an event for one automation and then
passes it to no other, so that nobody would be told of the failure. The price: some time after a failure this automation
tries to mark the run, and the server refuses, since an ended run stays as it ended.
"""


def zombie_after_s() -> int:
    """Seconds without a heartbeat after which a run counts as dead: three heartbeats of this environment's setting."""
    return HEARTBEATS_MISSED * (get_current_settings().flows.heartbeat_frequency or USUAL_HEARTBEAT_S)


def zombies(after_s: int) -> AutomationCore:
    """Marks a run as crashed when its heartbeat has stopped for ``after_s`` seconds (at least 10, says Prefect)."""
    return AutomationCore(
        name=ZOMBIES,
        description="A run that gives no sign of life is marked as crashed; the janitor resumes its work."
        " 无响应的运行标记为中断，由清理程序继续。",
        trigger=EventTrigger(
            after={HEARTBEAT},
            expect={HEARTBEAT, *HEARD_OF},
            match=_labels({"prefect.resource.id": "prefect.flow-run.*"}),
            match_related=_OF_OUR_FLOWS,
            for_each={"prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=timedelta(seconds=after_s),
        ),
        actions=[
            ChangeFlowRunState(
                state=StateType.CRASHED,
                message="No sign of life from its process any more. What was made and paid for is kept."
                " 运行进程已无响应，已完成和已付费的内容均已保留。",
            )
        ],
    )


def failures(block_id: str) -> AutomationCore:
    """Tells of failed and crashed runs, whatever their state is named."""
    return AutomationCore(
        name=FAILURES,
        description="A run failed or crashed. 运行失败或中断。",
        trigger=EventTrigger(
            expect={"prefect.flow-run.*"},
            match=_labels(
                {"prefect.resource.id": "prefect.flow-run.*", "prefect.state-type": ["FAILED", "CRASHED"]}
            ),
            match_related=_OF_OUR_FLOWS,
            posture=Posture.Reactive,
            threshold=1,
            within=timedelta(0),
        ),
        actions=[
            SendNotification(
                block_document_id=block_id,
                subject=notices.FAILURE_SUBJECT,
                body=notices.FAILURE_BODY,
            )
        ],
    )


def attention(block_id: str) -> AutomationCore:
    """Tells what the janitor found that a person must see."""
    return AutomationCore(
        name=ATTENTION,
        description="Something waits for a person's decision. 有事项需人工处理。",
        trigger=EventTrigger(
            expect={ATTENTION_EVENT}, posture=Posture.Reactive, threshold=1, within=timedelta(0)
        ),
        actions=[
            SendNotification(
                block_document_id=block_id,
                subject=notices.ATTENTION_SUBJECT,
                body=notices.ATTENTION_BODY,
            )
        ],
    )


def doorbell(deployment_id: UUID) -> AutomationCore:
    """Starts the deployment when something landed. Only a doorbell: the run looks for itself what has arrived."""
    return AutomationCore(
        name=DOORBELL,
        description="Starts new-listings/arrivals when products land in storage. 商品到达存储时启动制作。",
        trigger=EventTrigger(
            expect={EVENT},
            match=_labels({"prefect.resource.id": RESOURCE}),
            posture=Posture.Reactive,
            threshold=1,
            within=timedelta(0),
        ),
        actions=[RunDeployment(source="selected", deployment_id=deployment_id)],
    )


async def make_doorbell(client: PrefectClient) -> bool:
    """Create or renew the automation that starts arrivals; False where their deployment is not there yet.

    Not a trigger in ``prefect.yaml``: Prefect makes those anew with each deploy, also one that a person switched off.
    """
    try:
        deployment = await client.read_deployment_by_name(ARRIVALS_DEPLOYMENT)
    except ObjectNotFound:
        return False
    named = await client.read_automations_by_name(_EARLIER_DOORBELL)
    earlier = [one for one in named if EVENT in getattr(one.trigger, "expect", ())]
    switched_on = all(one.enabled for one in earlier)
    await _put(client, doorbell(deployment.id).model_copy(update={"enabled": switched_on}))
    for one in earlier:
        await client.delete_automation(one.id)
    return True


async def make_automations(client: PrefectClient, alert_url: str, dead_after_s: int | None = None) -> bool:
    """Create or renew the automations. Those that tell somebody exist exactly while there is an address to tell:
    without one they are taken away, with the block that holds it; whether any were.

    ``dead_after_s``: other than ``zombie_after_s()``. Raises SettingsError for an address that is none.
    """
    if alert_url:
        notices.require_address(alert_url)
    await _put(client, zombies(dead_after_s or zombie_after_s()))
    if not alert_url:
        return await _silence(client)
    block_id = await notices.put_block(alert_url)
    await _put(client, failures(block_id))
    await _put(client, attention(block_id))
    return False


async def _put(client: PrefectClient, wanted: AutomationCore) -> None:
    """One automation of that name, as wanted now; a person's own on/off switch stays."""
    found = await client.read_automations_by_name(wanted.name)
    if not found:
        await client.create_automation(wanted)
        return
    first, *more = found
    # An update makes Prefect forget which runs it was watching, and runs that died just before would never be marked:
    # set-up runs whenever skuflow is started, which is often after its machine has failed.
    if not _is_as(first, wanted):
        await client.update_automation(first.id, wanted.model_copy(update={"enabled": first.enabled}))
    for double in more:
        await client.delete_automation(double.id)


async def _silence(client: PrefectClient) -> bool:
    """Take away what tells somebody; whether there was any."""
    told = [
        automation
        for name in (FAILURES, ATTENTION)
        for automation in await client.read_automations_by_name(name)
    ]
    for automation in told:
        await client.delete_automation(automation.id)
    return await notices.remove_block(client) or bool(told)


def _is_as(found: AutomationCore, wanted: AutomationCore) -> bool:
    """Whether both do the same; whether they are switched on does not count."""
    fields = ("description", "trigger", "actions", "actions_on_trigger", "actions_on_resolve")
    return all(_plain(found, field) == _plain(wanted, field) for field in fields)


def _plain(automation: AutomationCore, field: str) -> object:
    return automation.model_dump(include={field})[field]


def _labels(labels: dict[str, str | list[str]]) -> ResourceSpecification:
    return ResourceSpecification.model_validate(labels)


_OF_OUR_FLOWS = _labels({"prefect.resource.role": "flow", "prefect.resource.name": list(FLOWS)})
