"""Requests for Qwen, a provider for any server, and answers as DashScope writes them, for the tests of its adapter."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from PIL import Image

from providers.dashscope import qwen
from providers.emulators.core.http import Answer, running
from providers.emulators.dashscope.emulator import DashScopeEmulator
from providers.workplace import Workplace
from skuflow.jobs.contract import (
    JobStatus,
    JudgeRequest,
    Provider,
    Request,
    Slot,
)
from skuflow.listing.copywriting import ListingCopy
from skuflow.settings import Settings, read_settings
from skuflow.storage.objects import ObjectStore, StoredObject
from tests.unit.scripted_site import ScriptedSite
from tests.unit.written_product import product

KEY = "sk-emulator-dashscope"
TEXT_PATH = "/api/v1/services/aigc/text-generation/generation"
VISION_PATH = "/api/v1/services/aigc/multimodal-generation/generation"


def settings_for(base_url: str, **changes: object) -> Settings:
    return read_settings({"dashscope_api_key": KEY, "dashscope_http_base_url": base_url, **changes})


def built(base_url: str, store: ObjectStore, **changes: object) -> Provider:
    with ThreadPoolExecutor(1) as pool:
        return qwen.build(Workplace(settings_for(base_url, **changes), store, pool))


@contextmanager
def scripted(
    store: ObjectStore, *answers: Answer, **changes: object
) -> Iterator[tuple[Provider, ScriptedSite]]:
    site = ScriptedSite(*answers)
    with running(site) as base_url:
        yield built(f"{base_url}/api/v1", store, **changes), site


async def done(provider: Provider, request: Request, key: str = "key-1") -> JobStatus:
    return await provider.poll(await provider.submit(request, idempotency_key=key))


async def copy_in(provider: Provider, status: JobStatus) -> ListingCopy:
    assert [artifact.label for artifact in status.artifacts] == ["copy"]
    return ListingCopy.model_validate_json(await provider.fetch(status.artifacts[0]))


def submits(emulator: DashScopeEmulator) -> list[dict[str, Any]]:
    return [json.loads(seen.body) for seen in emulator.seen if seen.place == "submit"]


def reply(content: Any = "{}", finish: str = "stop", usage: Any = None, **changes: Any) -> Answer:
    return Answer.json(
        {
            "output": {
                "choices": [{"finish_reason": finish, "message": {"role": "assistant", "content": content}}]
            },
            "usage": usage or {"input_tokens": 1000, "output_tokens": 500, "total_tokens": 1500},
            "request_id": "req-1",
        }
        | changes
    )


def picture(store: ObjectStore, key: str, side_px: int = 200) -> StoredObject:
    buffer = io.BytesIO()
    Image.new("RGBA", (side_px, side_px), (200, 30, 30, 200)).save(buffer, "PNG")
    return store.put(key, buffer.getvalue(), "image/png")


def judge_request(store: ObjectStore, **changes: Any) -> JudgeRequest:
    request = JudgeRequest(
        slot=Slot("CHR-1", "judge:image:scene"),
        product=product(),
        picture=picture(store, "in/scene.png"),
        reference=picture(store, "in/photo.png"),
    )
    return replace(request, **changes)
