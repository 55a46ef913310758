"""What people set on deployments in the UI outlives ``prefect deploy``.

Prefect (3.8.8) writes a deployment as its file has it: not paused, without default parameters. Where one of its
schedules bears no slug, as those made in the UI, it takes all of them away and makes those of the file anew, switched
on. So every schedule is given a slug, and what is set is written down before a deploy and put back after it. Hours and
time zones of the file's own schedules are left to the file: nobody could tell an older file's from a person's.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import yaml
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import DeploymentUpdate
from prefect.client.schemas.filters import FlowFilter, FlowFilterName
from prefect.client.schemas.objects import DeploymentSchedule
from prefect.client.schemas.responses import DeploymentResponse
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
from pydantic import BaseModel, ValidationError

from tasks.dead_runs import FLOWS

NOTE = "deployments.json"
"""File of SKUFLOW_HOME that outlives a set-up that was killed between a deploy and what follows it."""


class KeptSchedule(BaseModel):
    active: bool
    parameters: dict[str, Any]


class Kept(BaseModel):
    """What was set on one deployment before a deploy; schedules by slug."""

    id: UUID
    paused: bool
    parameters: dict[str, Any]
    schedules: dict[str, KeptSchedule]


class Note(BaseModel):
    """What the last deploy's file had, by deployment: ``slugs`` of its schedules, default ``parameters``. ``kept`` is
    there from before a deploy until all of it was put back.
    """

    slugs: dict[UUID, list[str]] = {}
    parameters: dict[UUID, dict[str, Any]] = {}
    kept: list[Kept] | None = None


async def give_slugs(client: PrefectClient, file: Path) -> None:
    """Give a slug to every schedule that has none, of the deployments of ``file`` whose own schedules all have one:
    of others Prefect would then refuse the deploy.
    """
    slugs = _slugs_of(file)
    for deployment in await _ours(client):
        if "" not in slugs.get((deployment.entrypoint, deployment.name), [""]):
            for schedule in deployment.schedules:
                if schedule.slug is None:
                    await _change(client, deployment.id, schedule, slug=f"own-{schedule.id}")


async def write_down(client: PrefectClient, path: Path) -> None:
    """What is set on every deployment now, into the note."""
    kept = [
        Kept(
            id=deployment.id,
            paused=deployment.paused,
            parameters=deployment.parameters,
            schedules={
                schedule.slug: KeptSchedule(active=schedule.active, parameters=schedule.parameters)
                for schedule in deployment.schedules
                if schedule.slug is not None
            },
        )
        for deployment in await _ours(client)
    ]
    _write(path, _read(path).model_copy(update={"kept": kept}))


async def put_back(client: PrefectClient, path: Path, file: Path) -> list[str]:
    """Set what the note says, on deployments that are still there, if a deploy was to follow it; a sentence for
    each thing that a person might miss. A schedule that a person had taken away is there again, and ends switched off.
    """
    note = _read(path)
    if note.kept is None:
        return []
    said = []
    for kept in note.kept:
        with suppress(ObjectNotFound):
            said += await _put_back(client, kept, note)
    slugs, parameters = _slugs_of(file), _parameters_of(file)
    deployed = {one.id: (one.entrypoint, one.name) for one in await _ours(client)}
    _write(
        path,
        Note(
            slugs={each: slugs.get(named, []) for each, named in deployed.items()},
            parameters={each: parameters.get(named, {}) for each, named in deployed.items()},
        ),
    )
    return said


async def _put_back(client: PrefectClient, kept: Kept, note: Note) -> list[str]:
    deployment = await client.read_deployment(kept.id)
    slugs = note.slugs.get(kept.id, [])
    said = []
    for schedule in deployment.schedules:
        before = kept.schedules.get(schedule.slug or "")
        if before is not None:
            was = KeptSchedule(active=before.active, parameters=schedule.parameters or before.parameters)
        elif schedule.slug in slugs:
            was = KeptSchedule(active=False, parameters=schedule.parameters)
            said.append(
                f"deployment {deployment.name}: its schedule {schedule.slug} had been taken away; prefect.yaml has it,"
                " so it is there again, switched off"
            )
        else:
            continue
        if (was.active, was.parameters) != (schedule.active, schedule.parameters):
            await _change(client, kept.id, schedule, active=was.active, parameters=was.parameters)
    # What an earlier file had is not a person's: whoever took it out of the file wants it gone.
    set_by_hand = kept.parameters != note.parameters.get(kept.id, {})
    if set_by_hand and not deployment.parameters:
        said += await _put_parameters_back(client, deployment, kept.parameters)
    if kept.paused and not deployment.paused:
        await client.pause_deployment(kept.id)
    return said


async def _put_parameters_back(
    client: PrefectClient, deployment: DeploymentResponse, parameters: dict[str, Any]
) -> list[str]:
    try:
        await client.update_deployment(deployment.id, DeploymentUpdate(parameters=parameters))
    except PrefectHTTPStatusError as error:
        if error.response.status_code != 409:
            raise
        return [
            f"deployment {deployment.name}: its default parameters do not fit its form any more and are gone"
        ]
    return []


async def _change(
    client: PrefectClient, deployment_id: UUID, schedule: DeploymentSchedule, **changes: Any
) -> None:
    # Parameters that are not sent are emptied.
    sent = {"parameters": schedule.parameters, **changes}
    await client.update_deployment_schedule(deployment_id, schedule.id, **sent)


async def _ours(client: PrefectClient) -> list[DeploymentResponse]:
    return await client.read_deployments(flow_filter=FlowFilter(name=FlowFilterName(any_=list(FLOWS))))


def _slugs_of(file: Path) -> Mapping[tuple[str | None, str], list[str]]:
    """The slugs of the schedules of a ``prefect.yaml``, empty where one has none, by entrypoint and name."""
    deployments = yaml.safe_load(file.read_text(encoding="utf-8")).get("deployments") or []
    return {
        (one["entrypoint"], one["name"]): [
            schedule.get("slug") or "" for schedule in one.get("schedules") or []
        ]
        for one in deployments
    }


def _parameters_of(file: Path) -> Mapping[tuple[str | None, str], dict[str, Any]]:
    """The default parameters of a ``prefect.yaml``'s deployments, by entrypoint and name."""
    deployments = yaml.safe_load(file.read_text(encoding="utf-8")).get("deployments") or []
    return {(one["entrypoint"], one["name"]): one.get("parameters") or {} for one in deployments}


def _read(path: Path) -> Note:
    try:
        return Note.model_validate_json(path.read_bytes())
    except (FileNotFoundError, ValidationError):
        # Of another version: nothing that could be put back.
        return Note()


def _write(path: Path, note: Note) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    young = path.with_suffix(".new")
    young.write_text(note.model_dump_json(), encoding="utf-8")
    os.replace(young, path)
