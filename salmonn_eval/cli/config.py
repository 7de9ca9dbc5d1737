"""`--config FILE`: option values from YAML, below flags and environment variables."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer


def load_config(context: typer.Context, path: Path | None) -> Path | None:
    """Make the file's values the command's defaults; UsageError names file, line and key of what does not fit."""
    if path is None:
        return None
    from salmonn_eval import yamlfile

    document = yamlfile.read(path)
    known = {parameter.name for parameter in context.command.params if parameter.name} - {"config", "help"}
    data = document.data if document.data is not None else {}
    if not isinstance(data, Mapping):
        raise yamlfile.YamlError(path, [yamlfile.Fault(1, "expected `option: value` lines")])
    takes = ", ".join(sorted(name.replace("_", "-") for name in known))
    faults = [
        yamlfile.Fault(
            document.line_of([key]),
            f"unknown option `{key}`; {context.info_name} takes {takes}",
        )
        for key in data
        if str(key).replace("-", "_") not in known
    ]
    if faults:
        raise yamlfile.YamlError(path, faults)
    repeatable = {parameter.name for parameter in context.command.params if getattr(parameter, "multiple", False)}
    values = {str(key).replace("-", "_"): value for key, value in data.items()}
    context.default_map = {
        **(context.default_map or {}),
        **{name: _as_option(value, name in repeatable) for name, value in values.items()},
    }
    return path


def _as_option(value: Any, repeatable: bool) -> Any:
    """YAML's forms of an option: a mapping is NAME=VALUE pairs, a list is values or (`--tasks`) a comma list."""
    if isinstance(value, Mapping):
        value = [f"{name}={item}" for name, item in value.items()]
    if repeatable:
        return value if isinstance(value, list) or value is None else [value]
    return ",".join(map(str, value)) if isinstance(value, list) else value
