"""``skuflow check``: the intake gate alone. Makes nothing, pays nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from flows.commands.terminal import EXIT_OK, EXIT_UNFINISHED, print_findings, print_json
from flows.intake_gate import pass_gate
from flows.order import Order
from skuflow.catalog.gate.photo_gate import shared_files, shared_pictures
from skuflow.catalog.intake import Gate, Intake, file_digests
from skuflow.catalog.product import Product
from skuflow.listing.findings import Finding, Severity
from skuflow.listing.planning import plan_kit
from skuflow.quality.photo.prints import Print
from skuflow.storage.objects import ObjectStore


def check_catalog(order: Order, store: ObjectStore, as_json: bool, gate: Gate | None = None) -> int:
    """Look at every row and photo as a run would; the exit status: 3 when something would be blocked.

    ``gate``: the packaged rules, without text detection, where None. Photos of different SKUs are compared as well.
    """
    gate = gate or Gate()
    shared = shared_files({product.sku: file_digests(product) for product in order.products}, gate.rules)
    looked: list[tuple[Product, tuple[Finding, ...], Intake]] = []
    for product in order.products:
        plan = plan_kit(product, order.brief, order.findings.get(product.sku, ()))
        beside = shared.get(product.sku, ())
        intake = pass_gate(plan, store, gate, needs_picture=plan.main is not None, beside=beside)
        looked.append((product, plan.findings, intake))
    alike = shared_pictures(
        {product.sku: seen for product, _, intake in looked if (seen := _used_photo(intake)) is not None},
        gate.rules,
    )
    found: list[tuple[str, Product | None, tuple[Finding, ...]]] = [
        (product.sku, product, (*noticed, *intake.findings, *alike.get(product.sku, ())))
        for product, noticed, intake in looked
    ]
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


def _used_photo(intake: Intake) -> tuple[str, str, Print] | None:
    """Name, digest and print of the photo that was looked at last: the one that is used, if any is."""
    if not intake.records:
        return None
    name, record = list(intake.records.items())[-1]
    return None if record.measured is None else (name, record.sha256, record.measured.print)


def _print(found: Sequence[tuple[str, Product | None, tuple[Finding, ...]]]) -> None:
    for sku, product, findings in found:
        worst = max((_RANK[finding.severity] for finding in findings), default=-1)
        verdict = "blocked" if worst == _RANK[Severity.ERROR] else "ok"
        print(
            f"{sku}: {verdict}{f'  {product.title}' if product else ''}"
            if sku
            else "the catalog itself 商品表"
        )
        print_findings(findings)
    skus = [findings for sku, _, findings in found if sku]
    blocked = sum(any(finding.severity is Severity.ERROR for finding in findings) for findings in skus)
    _print_tally(skus)
    print(
        f"{len(skus)} SKUs looked at, {blocked} would be blocked. 共检查 {len(skus)} 个 SKU，{blocked} 个会被拦截。"
    )


def _print_tally(skus: Sequence[Sequence[Finding]]) -> None:
    """What most SKUs suffer from, so that a long catalog is mended cause by cause."""
    counted = Counter(
        (finding.severity, finding.code)
        for findings in skus
        for finding in {finding.code: finding for finding in sorted(findings, key=_rank)}.values()
    )
    for severity, words in (
        (Severity.ERROR, "SKUs blocked by 拦截原因"),
        (Severity.WARNING, "SKUs warned of 提醒"),
    ):
        told = [f"{code} {count}" for (found, code), count in counted.most_common() if found is severity]
        if told:
            print(f"{words}: {', '.join(told)}")


def _rank(finding: Finding) -> int:
    return _RANK[finding.severity]


_RANK = {Severity.INFO: 0, Severity.WARNING: 1, Severity.ERROR: 2}
