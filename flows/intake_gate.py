"""The whole intake gate on one product: text, markets and photos, by the configured rules, before anything is paid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from skuflow.catalog.gate.bundle import BundleWishes, note_attempt
from skuflow.catalog.gate.judging import gate_rules
from skuflow.catalog.gate.text_gate import check_text
from skuflow.catalog.intake import Gate, Intake, take_in, take_in_extras
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
    markets = plan.brief.markets or product.target_markets
    text = check_text(product, gate.rules, markets=markets, style=plan.brief.style or product.style)
    intake = take_in(product, store, needs_picture=needs_picture, gate=gate)
    intake = replace(intake, findings=(*text, *beside, *intake.findings))
    return take_in_extras(intake, plan.extras, product.sku, store) if plan.extras else intake


def attempt(
    plan: KitPlan, store: ObjectStore, gate: Gate, settings: Settings, *, beside: Sequence[Finding] = ()
) -> Intake:
    """As ``pass_gate``, for a run: blocked attempts are counted, and after several in a row a bundle is written."""
    intake = pass_gate(plan, store, gate, needs_picture=plan.needs_picture, beside=beside)
    wishes = BundleWishes(settings.skuflow_home / BUNDLES, settings)
    findings = (*plan.findings, *intake.findings) if intake.blocked else intake.findings
    noted = note_attempt(
        store,
        plan.product,
        findings,
        rules=gate.rules,
        wishes=wishes,
        now=datetime.now(UTC),
        records=intake.records,
    )
    return replace(intake, findings=(*intake.findings, *noted))
