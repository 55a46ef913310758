"""The steps that flows are made of, as Prefect tasks."""
