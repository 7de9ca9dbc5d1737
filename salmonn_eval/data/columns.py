"""Rows of foreign tables to samples, by the roles that a dataset's `columns` gives their columns."""

from collections.abc import Mapping
from typing import Any

from salmonn_eval.data.annotated import identified
from salmonn_eval.errors import UsageError
from salmonn_eval.records import Clip, Sample
from salmonn_eval.tasks.spec import DatasetSpec

# Roles with a place of their own in a sample; a column of any other role becomes a field of that name.
_PLACED = frozenset({"id", "audio", "text", "reference", "label"})


class RowReader:
    """Turns rows into samples; one instance a pass, for it counts the references that ids are made from.

    Roles: `id`; `audio` (left to the caller); `text`, the transcript, and the reference too where no column is
    `reference` (one text or a list); `label` (one or a list); the dataset's `cluster` (one, or a list of two for a
    pair); those of its `breakdown`.
    """

    def __init__(self, dataset: DatasetSpec, columns: Mapping[str, str]) -> None:
        self._dataset = dataset
        self._columns = columns
        self._occurrences: dict[str, int] = {}

    def sample(self, row: Mapping[str, Any], clips: tuple[Clip, ...], where: str) -> Sample:
        """The sample of one row; raises UsageError, beginning with `where`, for a text that is none."""
        values = {role: row[column] for role, column in self._columns.items() if row.get(column) is not None}
        text = _texts(values, "text", where)
        references = _texts(values, "reference", where) or text
        labels = _texts(values, "label", where)
        fields = {role: value for role, value in values.items() if role not in _PLACED}
        if text:
            fields["transcript"] = text[0]
        sample_id = values.get("id")
        if sample_id is None:
            sample_id = identified(references or labels or (str(values.get("audio", "")),), self._occurrences)
        cluster = values.get(self._dataset.cluster, ())
        members = cluster if isinstance(cluster, list | tuple) else (cluster,)
        group = {role: str(values[role]) for role in self._dataset.breakdown if role in values}
        return Sample(str(sample_id), clips, fields, references, labels, tuple(map(str, members)), group)


def _texts(values: Mapping[str, Any], role: str, where: str) -> tuple[str, ...]:
    """A role's value as texts: one, or several where the cell is a list."""
    found = values.get(role, ())
    texts = (found,) if isinstance(found, str) else found
    if not isinstance(texts, list | tuple) or not all(isinstance(text, str) for text in texts):
        raise UsageError(f"{where}: the {role} is {found!r}; expected text, or a list of texts")
    return tuple(texts)
