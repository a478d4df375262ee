"""The lists in spec/*.schema.json that restate other files of spec/.

A definition under `$defs` with `"$comment": "generated"` has its `enum` rewritten; all else in a schema is written by
hand.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any

from generator.rules import Terms
from generator.source import Source, SpecError, table_names


def render(source: Source, terms: Terms) -> Mapping[str, str]:
    """The text of each schema that has a generated definition, by its path."""
    lists = {
        "outcome": terms.outcomes,
        "trap_code": terms.traps,
        "rule_time": terms.times,
        "feature": table_names(source.adapter, "Features"),
    }
    texts = {}
    for path, schema in source.schemas.items():
        changed: dict[str, Any] = copy.deepcopy(schema)
        generated = [name for name, item in changed.get("$defs", {}).items() if item.get("$comment") == "generated"]
        for name in generated:
            if not lists.get(name):
                raise SpecError(f"{path}: no list in spec/ for the generated definition `{name}`")
            changed["$defs"][name]["enum"] = list(lists[name])
        if generated:
            texts[path] = json.dumps(changed, indent=2, ensure_ascii=False) + "\n"
    return texts
