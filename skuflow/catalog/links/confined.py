"""Understanding a stranger's page in a process of its own: it may take long, or fall, without taking the run along.

HTML parsers need time that grows with the square of a page's depth where somebody wants them to, and no limit inside
a process ends them. The process gets the page and nothing else: no environment, no keys.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Literal

from pydantic import BaseModel, ValidationError

from skuflow.catalog.links.told import PageProduct, PageTrouble

MOST_S = 30.0
_CPU_LIMIT_S = 40
_MEMORY_LIMIT_BYTES = 3 * 2**30


class PageJob(BaseModel):
    """What the process is given: the arguments of ``skuflow.catalog.links.page.understand``."""

    text: str
    address: str
    asked: str
    shopify_json: str = ""


class PageAnswer(BaseModel):
    """What it answers: a product, or the sentence of its PageTrouble."""

    outcome: Literal["product", "trouble"]
    product: PageProduct | None = None
    message: str = ""


def understand_confined(job: PageJob, *, most_s: float = MOST_S) -> PageProduct:
    """``understand`` in a process that is ended after ``most_s``. Raises PageTrouble, also for one that fell."""
    # Where the package is found from a checkout that is not installed.
    environment = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OMP_NUM_THREADS": "1"}
    try:
        ended = subprocess.run(
            [sys.executable, "-X", "utf8", "-m", "skuflow.catalog.links.worker"],
            input=job.model_dump_json().encode("utf-8", "replace"),
            capture_output=True,
            timeout=most_s,
            check=False,
            # Windows' own libraries do not load without theirs.
            env=None if os.name == "nt" else environment,
        )
    except subprocess.TimeoutExpired as error:
        raise PageTrouble(
            f"the page takes more than {most_s:.0f} s to read; put the product into a catalog file"
        ) from error
    try:
        answer = PageAnswer.model_validate_json(ended.stdout)
    except ValidationError as error:
        raise PageTrouble("the page cannot be read; put the product into a catalog file") from error
    if answer.product is None:
        raise PageTrouble(answer.message)
    return answer.product


def confine() -> None:
    """Bound this process's time and memory, where the system can."""
    if sys.platform == "win32":
        return
    import resource

    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_LIMIT_S, _CPU_LIMIT_S))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_LIMIT_BYTES, _MEMORY_LIMIT_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
