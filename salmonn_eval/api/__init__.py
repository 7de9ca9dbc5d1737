"""salmonn-eval from Python: `evaluate` is `salmonn-eval run`, `Evaluation` its outcome, `wrap` a model of your own."""
