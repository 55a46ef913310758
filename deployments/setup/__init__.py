"""Makes in a Prefect server what skuflow needs there."""
