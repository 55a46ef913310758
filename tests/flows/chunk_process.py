"""A worker's process that works on a chunk and stands still in the middle, waiting to be killed:
``python -m tests.flows.chunk_process HOME BATCH SKU MARK``
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

from flows.listing_chunk import listing_chunk
from skuflow.settings import read_settings
from tasks.wiring import using, wire


def main(home: str, batch_id: str, sku: str, mark: str) -> None:
    quick = {"skuflow_home": Path(home), "skuflow_text_detection": "off", "skuflow_concurrency": 1}
    begun = Path(mark)
    with using(wire(read_settings({**quick, "skuflow_providers": ""}))) as wiring:
        provider: Any = wiring.provider_named("offline")
        submit = provider.submit

        async def stands_still(request: Any, *, idempotency_key: str) -> Any:
            if request.slot.sku == sku:
                await asyncio.to_thread(begun.touch)
                await asyncio.sleep(600)
            return await submit(request, idempotency_key=idempotency_key)

        provider.submit = stands_still
        asyncio.run(listing_chunk(batch_id, 1))


if __name__ == "__main__":
    main(*sys.argv[1:])
