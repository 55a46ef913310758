"""``skuflow check``: the intake gate alone. Makes nothing, pays nothing."""

from __future__ import annotations

from collections.abc import Sequence

from flows.commands.terminal import EXIT_OK, EXIT_UNFINISHED, print_findings, print_json
from flows.order import Order
from skuflow.catalog.intake import take_in
from skuflow.catalog.product import Product
from skuflow.listing.findings import Finding, Severity
from skuflow.listing.planning import plan_kit
from skuflow.storage.objects import ObjectStore


def check_catalog(order: Order, store: ObjectStore, as_json: bool) -> int:
    """Look at every row and photo as a run would; the exit status: 3 when something would be blocked."""
    found: list[tuple[str, Product | None, tuple[Finding, ...]]] = []
    for product in order.products:
        plan = plan_kit(product, order.brief, order.findings.get(product.sku, ()))
        intake = take_in(product, store, needs_picture=True)
        found.append((product.sku, product, (*plan.findings, *intake.findings)))
    found.extend((row.sku, None, row.findings) for row in order.rejected)
    if order.loose_findings:
        found.append(("", None, order.loose_findings))
    if as_json:
        print_json(
            [
                {
                    "sku": sku,
                    "product": product.model_dump(mode="json") if product else None,
                    "findings": [finding.model_dump(mode="json") for finding in findings],
                }
                for sku, product, findings in found
            ]
        )
    else:
        _print(found)
    errors = any(finding.severity is Severity.ERROR for _, _, findings in found for finding in findings)
    return EXIT_UNFINISHED if errors else EXIT_OK


def _print(found: Sequence[tuple[str, Product | None, tuple[Finding, ...]]]) -> None:
    for sku, product, findings in found:
        worst = max((_RANK[finding.severity] for finding in findings), default=-1)
        verdict = "blocked" if worst == _RANK[Severity.ERROR] else "ok"
        print(
            f"{sku or 'rows without a SKU of their own'}: {verdict}{f'  {product.title}' if product else ''}"
        )
        print_findings(findings)
    skus = [findings for sku, _, findings in found if sku]
    blocked = sum(any(finding.severity is Severity.ERROR for finding in findings) for findings in skus)
    print(f"{len(skus)} SKUs looked at, {blocked} would be blocked.")


_RANK = {Severity.INFO: 0, Severity.WARNING: 1, Severity.ERROR: 2}
