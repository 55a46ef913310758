"""The vendor contract and the runner that pays exactly once."""
