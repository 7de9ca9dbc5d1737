"""The tables of salmonn-nano's model card: headline metrics and following rates by LoRA scale and condition, of runs.

python benchmarks/nano_scores.py NAME=RUN_DIRECTORY ...
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from salmonn_eval.records import MetricValue
from salmonn_eval.report.cells import metric_name, quantity
from salmonn_eval.report.listing import markdown
from salmonn_eval.report.load import results


def main() -> None:
    """Print one Markdown table a run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+", metavar="NAME=DIR")
    for given in parser.parse_args().runs:
        name, _, folder = given.partition("=")
        shown = [value for value in results(Path(folder)) if value.reading == "all" and value.group is None]
        print(f"**{name}**\n\n{table([v for v in shown if v.headline or v.metric == 'following_rate'])}\n")


def table(values: Sequence[MetricValue]) -> str:
    """A row a metric, a column a scale and condition; a following rate of 1 in every column is left out."""
    columns = sorted({_column(value) for value in values})
    cells: dict[tuple[str, str], dict[tuple[str, float], MetricValue]] = {}
    for value in values:
        where = value.task if value.dataset == "mini" else f"{value.task} {value.dataset}"
        cells.setdefault((where, metric_name(value)), {})[_column(value)] = value
    rows = [
        (*key, *(quantity(found[column]) if column in found else "not run" for column in columns))
        for key, found in cells.items()
        if not (key[1].startswith("following_rate") and all(value.value == 1 for value in found.values()))
    ]
    return markdown(("task", "metric", *(f"{heard} {scale:g}".strip() for heard, scale in columns)), rows, n_left=2)


def _column(value: MetricValue) -> tuple[str, float]:
    """What was heard in place of the clip ("" for the clip itself), and the LoRA scale."""
    condition = value.variant.condition
    return "" if condition == "none" else condition, value.variant.lora_scale or 0.0


if __name__ == "__main__":
    main()
