"""``skuflow check``: the intake gate alone. Makes nothing, pays nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from flows.commands.findings_text import in_words, print_findings
from flows.commands.terminal import EXIT_OK, EXIT_UNFINISHED, print_json
from flows.intake_gate import look_at_refused, pass_gate
from flows.order import Order
from skuflow.catalog.gate.batch_photos import used_photo
from skuflow.catalog.gate.photo_gate import shared_files, shared_pictures
from skuflow.catalog.intake import Gate, Intake, file_digests
from skuflow.catalog.product import Product
from skuflow.listing.findings import Finding, Severity
from skuflow.listing.planning import plan_kit
from skuflow.settings import BOTH, Languages
from skuflow.storage.objects import ObjectStore


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found about one SKU; ``product`` None for a row that the reader has refused. The SKU is empty for what
    is about the catalog itself.
    """

    sku: str
    title: str
    product: Product | None
    findings: tuple[Finding, ...]

    @property
    def worst(self) -> int:
        return max((_RANK[finding.severity] for finding in self.findings), default=-1)

    @property
    def blocked(self) -> bool:
        return self.worst == _RANK[Severity.ERROR]


def check_catalog(
    order: Order,
    store: ObjectStore,
    as_json: bool,
    gate: Gate | None = None,
    *,
    languages: Languages = BOTH,
    notes: bool = False,
) -> int:
    """Look at every row and photo as a run would, at refused rows as well; the exit status: 3 when something would be
    blocked.

    ``gate``: the packaged rules, without text detection, where None. ``notes``: findings that ask for nothing are shown
    to people as well; machines always get them. Photos of different SKUs are compared.
    """
    found = _checked(order, store, gate or Gate())
    if as_json:
        print_json(
            [
                {
                    "sku": one.sku,
                    "product": one.product.model_dump(mode="json") if one.product else None,
                    "findings": [finding.model_dump(mode="json") for finding in one.findings],
                }
                for one in found
            ]
        )
    else:
        _print(found, languages, notes)
    return EXIT_UNFINISHED if any(one.blocked for one in found) else EXIT_OK


def _checked(order: Order, store: ObjectStore, gate: Gate) -> list[Checked]:
    files = {row.sku: row.product for row in order.rejected} | {one.sku: one for one in order.products}
    rows = {sku: product.source.row or 0 for sku, product in files.items()}
    shared = shared_files({sku: file_digests(product) for sku, product in files.items()}, gate.rules)
    looked: list[tuple[str, str, Product | None, Intake]] = []
    for product in order.products:
        plan = plan_kit(product, order.brief, order.findings.get(product.sku, ()))
        beside = shared.get(product.sku, ())
        intake = pass_gate(plan, store, gate, needs_picture=plan.main is not None, beside=beside)
        looked.append((product.sku, product.title, product, intake.with_findings(plan.findings)))
    for row in order.rejected:
        intake = look_at_refused(row, order.brief, store, gate, beside=shared.get(row.sku, ()))
        title = row.product.title if row.product.titles else ""
        looked.append((row.sku, title, None, intake))
    photos = {sku: seen for sku, _, _, intake in looked if (seen := used_photo(intake)) is not None}
    alike = shared_pictures(photos, gate.rules)
    found = [
        Checked(sku, title, product, (*intake.findings, *alike.get(sku, ())))
        for sku, title, product, intake in looked
    ]
    found.sort(key=lambda one: rows.get(one.sku, 0))
    return [*found, Checked("", "", None, order.loose_findings)] if order.loose_findings else found


def _print(found: Sequence[Checked], languages: Languages, notes: bool) -> None:
    blocked, passed = in_words(languages, "blocked", "拦截"), in_words(languages, "ok", "通过")
    for one in found:
        if one.sku:
            verdict = blocked if one.blocked else passed
            print(f"{one.sku}: {verdict}{f'  {one.title}' if one.title else ''}")
        elif notes or one.worst > _RANK[Severity.INFO]:
            print(in_words(languages, "the catalog itself", "商品表"))
        print_findings(one.findings, languages, notes=notes)
    skus = [one for one in found if one.sku]
    count = sum(one.blocked for one in skus)
    _print_tally(skus, languages)
    hidden = sum(finding.severity is Severity.INFO for one in found for finding in one.findings)
    if hidden and not notes:
        print(
            in_words(
                languages,
                f"{hidden} notes that ask for nothing are not shown; --notes shows them.",
                f"另有 {hidden} 条无需处理的备注未显示，加 --notes 查看。",
            )
        )
    print(
        in_words(
            languages,
            f"{len(skus)} SKUs looked at, {count} would be blocked.",
            f"共检查 {len(skus)} 个 SKU，{count} 个会被拦截。",
        )
    )


def _print_tally(skus: Sequence[Checked], languages: Languages) -> None:
    """What most SKUs suffer from, so that a long catalog is mended cause by cause."""
    counted = Counter(
        (finding.severity, finding.code)
        for one in skus
        for finding in {finding.code: finding for finding in sorted(one.findings, key=_rank)}.values()
    )
    for severity, words in (
        (Severity.ERROR, in_words(languages, "SKUs blocked by", "拦截原因")),
        (Severity.WARNING, in_words(languages, "SKUs warned of", "提醒")),
    ):
        told = [f"{code} {count}" for (found, code), count in counted.most_common() if found is severity]
        if told:
            print(f"{words}: {', '.join(told)}")


def _rank(finding: Finding) -> int:
    return _RANK[finding.severity]


_RANK = {Severity.INFO: 0, Severity.WARNING: 1, Severity.ERROR: 2}
