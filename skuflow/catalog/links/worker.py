"""The process of ``confined``: one page on standard input, one answer on standard output."""

from __future__ import annotations

import sys

from skuflow.catalog.links.confined import PageAnswer, PageJob, confine
from skuflow.catalog.links.page import understand
from skuflow.catalog.links.told import PageTrouble


def main() -> None:
    confine()
    job = PageJob.model_validate_json(sys.stdin.buffer.read())
    try:
        product = understand(job.text, job.address, job.asked, job.shopify_json)
        answer = PageAnswer(outcome="product", product=product)
    except PageTrouble as trouble:
        answer = PageAnswer(outcome="trouble", message=trouble.message)
    sys.stdout.buffer.write(answer.model_dump_json().encode())


if __name__ == "__main__":
    main()
