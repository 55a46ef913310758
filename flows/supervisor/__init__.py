"""Keeps the processes of ``skuflow up`` running."""
