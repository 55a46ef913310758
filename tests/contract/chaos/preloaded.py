"""Imported by the process that the others are forked from, and by no other."""

from __future__ import annotations

from tests.contract.chaos.child import load

load()
