"""Exports of shop systems, in which one product stands in several rows or in nested JSON."""
