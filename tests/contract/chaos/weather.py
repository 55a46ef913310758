"""Which faults each emulated vendor can have at each place, and how often a seed makes them happen.

What is left out is what no client could see through: a query that ends a job which goes on (the code of a rejected
job as the answer to a query, at the vendors that report a job's end so), and a vendor that denies a job which it has
while it takes a second one under the same name.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping

from providers.emulators.core.faults import Fault, FaultScript

_TRANSPORT = tuple(fault for fault in Fault if fault.is_transport)
_DOWNLOAD = (Fault.EXPIRED, Fault.TRUNCATED, Fault.CORRUPT, Fault.GIANT)
_THROTTLES = (Fault.THROTTLE, Fault.THROTTLE_PARALLEL, Fault.THROTTLE_BURST)
_REFUSALS = (
    *_THROTTLES,
    Fault.SERVER_BUSY,
    Fault.REJECT_CREATE,
    Fault.ARREARS,
    Fault.QUOTA_USED_UP,
    Fault.AUTH,
)
_ASKING = (*_THROTTLES, Fault.SERVER_BUSY, Fault.ARREARS, Fault.QUOTA_USED_UP, Fault.AUTH)
_ENDS = (Fault.REJECT_END, Fault.FAIL_END, Fault.FAIL_AS_SUCCESS)
_TEXT = (Fault.MALFORMED_COPY, Fault.WRONG_SHAPE, Fault.TRUNCATED_JSON, Fault.INVENTED_CLAIM)
_KLING_ASKING = (Fault.SERVER_BUSY, Fault.THROTTLE, Fault.THROTTLE_BURST, Fault.AUTH, Fault.UNKNOWN_STATUS)

VENDOR_FAULTS: Mapping[str, Mapping[str, tuple[Fault, ...]]] = {
    "dashscope": {
        "submit": (
            *_REFUSALS,
            *_ENDS,
            *_TEXT,
            Fault.PARTIAL,
            Fault.CANCELED,
            Fault.UNKNOWN_STATUS,
            Fault.STUCK,
            Fault.EXPIRED_JOB,
        ),
        "poll": (*_ASKING, Fault.UNKNOWN_STATUS, Fault.EXPIRED_JOB),
        "upload": _REFUSALS,
        "download": _DOWNLOAD,
    },
    "kling": {
        "submit": (*_REFUSALS, *_ENDS[:2], Fault.STUCK, Fault.FAIL_AS_SUCCESS),
        "poll": (*_KLING_ASKING, Fault.EXPIRED_JOB),
        "find": (*_KLING_ASKING, Fault.EXPIRED_JOB),
        "download": _DOWNLOAD,
    },
    "hailuo": {
        "submit": (*_REFUSALS, *_ENDS, Fault.STUCK, Fault.EXPIRED_JOB),
        "poll": (*_ASKING, Fault.UNKNOWN_STATUS, Fault.EXPIRED_JOB),
        "other": _ASKING,
        "download": _DOWNLOAD,
    },
    "jimeng": {
        "submit": (*_REFUSALS, *_ENDS, Fault.PARTIAL, Fault.STUCK, Fault.EXPIRED_JOB),
        "poll": (*_ASKING, Fault.UNKNOWN_STATUS, Fault.EXPIRED_JOB),
        "download": _DOWNLOAD,
    },
    "ark": {
        "submit": (*_REFUSALS, *_ENDS),
        "poll": (*_ASKING, Fault.UNKNOWN_STATUS, Fault.EXPIRED_JOB),
        "download": _DOWNLOAD,
    },
    "openai": {
        "submit": (*_REFUSALS, *_ENDS, *_TEXT, Fault.PARTIAL, Fault.UNKNOWN_STATUS, Fault.STUCK),
    },
}
_HEAVY = frozenset((Fault.HANG_AFTER, Fault.GIANT, Fault.STUCK))
"""These cost the rehearsal a second each, and come less often."""


def faults_of(vendor: str, place: str) -> tuple[Fault, ...]:
    """Every fault that can happen to a request of the vendor at a place."""
    return (*_TRANSPORT, *VENDOR_FAULTS[vendor].get(place, ()))


def weather(
    seed: int | str,
    vendor: str,
    *,
    also: Iterable[tuple[str, Fault]] = (),
    without: Iterable[tuple[str, Fault]] = (),
) -> FaultScript:
    """A vendor's faults for one seed: between a tenth and three fifths of its requests go wrong, each in a way that is
    drawn from all there are at its place. ``also`` adds faults to those, ``without`` leaves some out.
    """
    more, less = frozenset(also), frozenset(without)
    dice = random.Random(f"{seed}/{vendor}")
    odds: dict[tuple[str, Fault], float] = {}
    for place in ("submit", "poll", "find", "upload", "download", "other"):
        share = dice.uniform(0.1, 0.6)
        weights = {
            fault: dice.expovariate(1.0) * (0.3 if fault in _HEAVY else 1.0)
            for fault in (*faults_of(vendor, place), *sorted(f for at, f in more if at == place))
            if (place, fault) not in less
        }
        whole = sum(weights.values())
        odds |= {(place, fault): share * weight / whole for fault, weight in weights.items()}
    return FaultScript.random(f"{seed}/{vendor}", odds)
