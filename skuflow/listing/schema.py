"""Prints the JSON schema of kit.json, which is published as docs/kit.schema.json."""

from __future__ import annotations

import json

from skuflow.listing.kit import Kit


def kit_schema() -> str:
    """The schema as text, as the published file has it."""
    schema = Kit.model_json_schema(by_alias=True, mode="serialization")
    return json.dumps(schema, ensure_ascii=False, indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    print(kit_schema(), end="")
