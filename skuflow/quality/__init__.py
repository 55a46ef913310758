"""Measures and scores of what was made."""
