"""Codes, limits and severities of the intake gate, as data; one YAML file a subject."""
