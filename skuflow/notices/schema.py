"""Prints the JSON schema of a notice, which is published as docs/webhook.schema.json."""

from __future__ import annotations

import json

from pydantic import TypeAdapter

from skuflow.notices.shapes import Notice


def notice_schema() -> str:
    """The schema as text, as the published file has it."""
    adapter: TypeAdapter[object] = TypeAdapter(Notice)
    schema = adapter.json_schema(by_alias=True, mode="serialization")
    schema["title"] = "skuflow notice"
    return json.dumps(schema, ensure_ascii=False, indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    print(notice_schema(), end="")
