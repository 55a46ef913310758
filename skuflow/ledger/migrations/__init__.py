"""Alembic's environment for the ledger; run by ``skuflow.ledger.migrate``."""
