"""The whole intake gate on one product: text, markets and photos, by the configured rules, before anything is paid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel

from skuflow.catalog.gate.bundle import BundleWishes, note_attempt
from skuflow.catalog.gate.judging import gate_rules
from skuflow.catalog.gate.text_gate import check_text
from skuflow.catalog.image_files import is_link
from skuflow.catalog.intake import Gate, Intake, take_in, take_in_extras
from skuflow.catalog.product import Product
from skuflow.catalog.rows import RejectedRow
from skuflow.listing.brief import Brief
from skuflow.listing.findings import Finding
from skuflow.listing.planning import KitPlan
from skuflow.settings import Settings
from skuflow.storage.objects import ObjectStore

BUNDLES = "bundles"
"""Under SKUFLOW_HOME: what is written about a SKU that is blocked again and again."""


def gate_of(settings: Settings) -> Gate:
    """The gate as configured. Raises GateRulesError where SKUFLOW_GATE_RULES cannot be used."""
    own = settings.skuflow_gate_rules
    return Gate(gate_rules(Path(own) if own else None), settings.skuflow_text_detection == "on")


def pass_gate(
    plan: KitPlan, store: ObjectStore, gate: Gate, *, needs_picture: bool, beside: Sequence[Finding] = ()
) -> Intake:
    """What the gate finds about the plan's product; ``beside``: what is known already, such as shared photos."""
    product = plan.product
    text = _text_findings(product, plan.brief, gate)
    intake = take_in(product, store, needs_picture=needs_picture, gate=gate)
    intake = replace(intake, findings=(*text, *beside, *intake.findings))
    return take_in_extras(intake, plan.extras, product.sku, store) if plan.extras else intake


def note(plan: KitPlan, intake: Intake, store: ObjectStore, gate: Gate, settings: Settings) -> Intake:
    """Count the attempt of a run: after several blocked ones in a row a bundle is written, and ``intake`` says so."""
    findings = (*plan.findings, *intake.findings) if intake.blocked else intake.findings
    noted = _note(store, plan.product, findings, gate, settings, intake.records)
    return replace(intake, findings=(*intake.findings, *noted))


def look_at_refused(
    row: RejectedRow, brief: Brief, store: ObjectStore, gate: Gate, *, beside: Sequence[Finding] = ()
) -> Intake:
    """Everything that is wrong with a row that the reader has refused: its findings, and what the gate says of the
    product as far as it could be understood, photos that are files included.
    """
    product = row.product
    files = tuple(image for image in product.images if not is_link(image))
    product = product.model_copy(update={"images": files})
    intake = take_in(product, store, needs_picture=bool(files), gate=gate)
    return replace(intake, findings=(*_refused_text(row, brief, gate), *beside, *intake.findings))


def attempt_refused(
    row: RejectedRow, brief: Brief, store: ObjectStore, settings: Settings
) -> tuple[Finding, ...]:
    """What a run says of a row that the reader has refused. It counts as a blocked attempt like any other, and its
    photos are left for ``skuflow check``: nothing will be made of them.
    """
    gate = gate_of(settings)
    findings = _refused_text(row, brief, gate)
    return (*findings, *_note(store, row.product, findings, gate, settings))


def _refused_text(row: RejectedRow, brief: Brief, gate: Gate) -> tuple[Finding, ...]:
    """The reader's findings, and what is wrong with the text besides; not that parameters are missing which stand in a
    cell that could not be read.
    """
    unread = any(finding.code == "ROW_BAD_JSON" for finding in row.findings)
    text = _text_findings(row.product, brief, gate)
    told = (finding for finding in text if not (unread and finding.code == "PARAMETERS_INCOMPLETE"))
    return (*row.findings, *told)


def _text_findings(product: Product, brief: Brief, gate: Gate) -> tuple[Finding, ...]:
    if not (product.titles or product.attributes or product.category):
        # Of a row in which nothing could be understood it is not to be said what its text lacks.
        return ()
    markets = brief.markets or product.target_markets
    return check_text(product, gate.rules, markets=markets, style=brief.style or product.style)


def _note(
    store: ObjectStore,
    product: Product,
    findings: Sequence[Finding],
    gate: Gate,
    settings: Settings,
    records: Mapping[str, BaseModel] | None = None,
) -> tuple[Finding, ...]:
    wishes = BundleWishes(settings.skuflow_home / BUNDLES, settings)
    return note_attempt(
        store, product, findings, rules=gate.rules, wishes=wishes, now=datetime.now(UTC), records=records
    )
