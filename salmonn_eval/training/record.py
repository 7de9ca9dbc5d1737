"""What a training run leaves beside its weights: the loss of every step, its curve, and how it was made."""

import csv
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from msgspec import Struct

from salmonn_eval.jsonl import read_whole, write_json

if TYPE_CHECKING:
    from collections.abc import Sequence

CURVE = "loss.csv"
_COLUMNS = ("step", "loss", "lr", "grad_norm")
_SMOOTHED = 50


class Told(Struct, frozen=True):
    """What a step reports: its number from 1, of how many, loss, learning rate, gradient norm, seconds to the end."""

    step: int
    steps: int
    loss: float
    rate: float
    norm: float
    seconds_left: float


class Curve:
    """`loss.csv`: a line a step. Steps after `done`, which a kill left without a checkpoint, are written again."""

    def __init__(self, out: Path, done: int) -> None:
        out.mkdir(parents=True, exist_ok=True)
        self._path = out / CURVE
        kept = [row for row in read_curve(out) if int(row[0]) <= done]
        with self._path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows([_COLUMNS, *kept])
        self._file: IO[str] = self._path.open("a", newline="", encoding="utf-8")
        self._writer = csv.writer(self._file, lineterminator="\n")

    def add(self, told: Told) -> None:
        """One more step."""
        self._writer.writerow((told.step, f"{told.loss:.6f}", f"{told.rate:.3e}", f"{told.norm:.4f}"))
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def read_curve(out: Path) -> "list[Sequence[str]]":
    """The lines of `loss.csv`, without its head; none where there is no such file. A torn last line is dropped."""
    path = out / CURVE
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return [row for row in csv.reader(file) if len(row) == len(_COLUMNS) and row[0].isdigit()]


def plot_curve(out: Path, *, title: str) -> None:
    """`loss.svg` and `loss.png`: the loss of every step, and its running mean."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    rows = read_curve(out)
    steps, losses = [int(row[0]) for row in rows], [float(row[1]) for row in rows]
    means = [sum(part) / len(part) for n in range(len(losses)) if (part := losses[max(0, n + 1 - _SMOOTHED) : n + 1])]
    figure, axes = pyplot.subplots(figsize=(7, 4), constrained_layout=True)
    axes.plot(steps, losses, color="#b0b0b0", linewidth=0.6, label="each step")
    axes.plot(steps, means, color="#1f4e79", linewidth=1.6, label=f"mean of the last {_SMOOTHED}")
    axes.set(xlabel="step", ylabel="cross entropy per token (nats)", title=title)
    axes.grid(visible=True, linewidth=0.3)
    axes.legend(frameon=False)
    for kind in ("svg", "png"):
        figure.savefig(out / f"loss.{kind}", dpi=150)
    pyplot.close(figure)


def write_record(out: Path, **facts: Any) -> None:
    """`train.json`: configuration, data, versions, weights; of a run that is continued every attempt."""
    path = out / "train.json"
    before = read_whole(path, dict[str, Any], what="training record") if path.exists() else {}
    attempt = facts.pop("attempt")
    write_json(path, {"schema": 1, **facts, "attempts": [*before.get("attempts", []), attempt]})
