"""What the workers of the benchmark run: the real flows, with the stand-in vendor in this process's wiring."""

from __future__ import annotations

from benchmarks.scale.vendor import PaidVendor
from flows.listing_chunk import listing_chunk
from flows.new_listings import new_listings
from tasks.wiring import current

WORKS_S = 1.0

__all__ = ["listing_chunk", "new_listings"]

current().use_provider(PaidVendor(WORKS_S))
