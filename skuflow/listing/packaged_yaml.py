"""Reading the YAML files that are part of the package (kinds, styles, markets, marketplace rules)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml


class PackagedDataError(Exception):
    """A data file of the package is not what its reader expects; names the file and the place."""


class _StrictLoader(yaml.CSafeLoader):
    """Refuses a key that stands twice in one mapping, where YAML would silently keep the last."""


def _mapping_without_repeats(loader: _StrictLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    mapping: dict[Any, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if key in mapping:
            raise PackagedDataError(f"{key_node.start_mark}: key {key!r} stands twice")
        mapping[key] = loader.construct_object(value_node, deep=True)
    return mapping


_StrictLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping_without_repeats)
# Country codes, not booleans: YAML 1.1 reads NO (Norway) as false.
_StrictLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool"]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}
_StrictLoader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(?:true|false)$"), list("tf"))


def read_yaml(path: Path) -> Any:
    """The content of ``path``. Only ``true`` and ``false`` are booleans; a repeated key is an error.

    Raises ``PackagedDataError`` where the file is missing or no YAML.
    """
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_StrictLoader)
    except (OSError, yaml.YAMLError) as error:
        raise PackagedDataError(f"{path.name}: {error}") from error
