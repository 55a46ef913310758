"""What Prefect does by itself when runs go wrong.

Triggers and actions as in Prefect's documentation of automations. A run without a heartbeat for ``ZOMBIE_AFTER_S``
seconds died with its machine, and open-source Prefect has nothing that notices unless an automation says so.
"""

from __future__ import annotations

from datetime import timedelta

from prefect.automations import AutomationCore
from prefect.blocks.notifications import CustomWebhookNotificationBlock
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState, SendNotification
from prefect.events.schemas.automations import EventTrigger, Posture

from skuflow.housekeeping.concerns import ATTENTION_EVENT

ALERTS_BLOCK = "skuflow-alerts"
ZOMBIE_AFTER_S = 540
"""Three heartbeats of Prefect's default of 180 s."""

ZOMBIES = "skuflow: runs whose process is gone"
FAILURES = "skuflow: tell of failed runs"
ATTENTION = "skuflow: tell what a person must see"

_HEARTBEAT = "prefect.flow-run.heartbeat"
_ENDED = {
    "prefect.flow-run.Completed",
    "prefect.flow-run.Failed",
    "prefect.flow-run.Cancelled",
    "prefect.flow-run.Crashed",
}


def zombies() -> AutomationCore:
    """Marks a run as crashed when its heartbeat stops."""
    return AutomationCore(
        name=ZOMBIES,
        description="A run that gives no sign of life is marked as crashed; the janitor resumes its work.",
        trigger=EventTrigger(
            after={_HEARTBEAT},
            expect={_HEARTBEAT, *_ENDED},
            match={"prefect.resource.id": "prefect.flow-run.*"},
            for_each={"prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=timedelta(seconds=ZOMBIE_AFTER_S),
        ),
        actions=[
            ChangeFlowRunState(
                state=StateType.CRASHED,
                message="No sign of life from its process. Nothing is lost: the next run goes on where it ended.",
            )
        ],
    )


def failures(block_id: str) -> AutomationCore:
    """Tells of failed and crashed runs."""
    return AutomationCore(
        name=FAILURES,
        description="A run failed or crashed.",
        trigger=EventTrigger(
            expect={"prefect.flow-run.Failed", "prefect.flow-run.Crashed"},
            match={"prefect.resource.id": "prefect.flow-run.*"},
            posture=Posture.Reactive,
            threshold=1,
            within=timedelta(0),
        ),
        actions=[
            SendNotification(
                block_document_id=block_id,
                subject="skuflow: {{ flow.name }} {{ flow_run.state.name }}",
                body="{{ flow.name }} / {{ flow_run.name }}: {{ flow_run.state.message }}",
            )
        ],
    )


def attention(block_id: str) -> AutomationCore:
    """Tells what the janitor found that a person must see."""
    return AutomationCore(
        name=ATTENTION,
        description="Something waits for a person's decision.",
        trigger=EventTrigger(
            expect={ATTENTION_EVENT}, posture=Posture.Reactive, threshold=1, within=timedelta(0)
        ),
        actions=[
            SendNotification(
                block_document_id=block_id,
                subject="skuflow: a person is needed",
                body="{{ event.payload.message }}",
            )
        ],
    )


async def make_automations(client: PrefectClient, alert_url: str) -> None:
    """Create or renew the automations; those that tell somebody only where ``alert_url`` is an address to tell."""
    await _put(client, zombies())
    if not alert_url:
        return
    block = CustomWebhookNotificationBlock(
        name="skuflow",
        url=alert_url,
        method="POST",
        json_data={"title": "{{subject}}", "text": "{{body}}"},
        # The address is the operator's own setting, often a service beside this one.
        allow_private_urls=True,
    )
    block_id = await block.asave(ALERTS_BLOCK, overwrite=True)
    await _put(client, failures(str(block_id)))
    await _put(client, attention(str(block_id)))


async def _put(client: PrefectClient, wanted: AutomationCore) -> None:
    """One automation of that name, as wanted now; a person's own on/off switch stays."""
    found = await client.read_automations_by_name(wanted.name)
    if not found:
        await client.create_automation(wanted)
        return
    first, *more = found
    await client.update_automation(first.id, wanted.model_copy(update={"enabled": first.enabled}))
    for double in more:
        await client.delete_automation(double.id)
