"""salmonn-eval: a task asks, a model answers, a scorer measures, a run remembers, a report shows."""

from importlib import import_module
from typing import TYPE_CHECKING

from salmonn_eval.version import __version__

if TYPE_CHECKING:
    from salmonn_eval.api.evaluate import evaluate
    from salmonn_eval.api.evaluation import Answer, Evaluation
    from salmonn_eval.api.wrap import wrap

__all__ = ["Answer", "Evaluation", "__version__", "evaluate", "wrap"]

# Imported when asked for: the command line starts without them.
_WHERE = {"Answer": "evaluation", "Evaluation": "evaluation", "evaluate": "evaluate", "wrap": "wrap"}


def __getattr__(name: str) -> object:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.api.{_WHERE[name]}"), name)
