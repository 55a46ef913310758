"""Thousands of SKUs in chunks on several worker processes, with Prefect and ledger on Postgres."""
