"""How skuflow is run for real: receivers and what they need."""
