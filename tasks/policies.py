"""What Prefect may retry: only what cannot buy anything again.

A task that runs again enters the runner again, and the runner reads the ledger first; still, only troubles of our own
storage and database are worth it. A vendor's troubles are outcomes, not exceptions.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy.exc import OperationalError

from skuflow.storage.objects import ObjectMissingError, StorageError

RETRIES = 2
RETRY_DELAYS_S: list[float] = [1, 5]


async def should_retry(task: Any, run: Any, state: Any) -> bool:
    """Prefect's retry condition."""
    try:
        await state.result()
    except ObjectMissingError:
        return False
    except (StorageError, OperationalError, ConnectionError):
        return True
    except BaseException:
        # Whatever else it was, the flow reports it; trying again would not mend it.
        return False
    return False
