"""Small servers that speak the vendors' protocols, for tests and rehearsals. Nothing behind them is real or owed."""
