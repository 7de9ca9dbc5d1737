"""Named, versioned text normalizers: what is done to hypothesis and reference before they are compared."""

from salmonn_eval.scorers.normalize.table import NORMALIZERS, Normalizer, normalizer

__all__ = ["NORMALIZERS", "Normalizer", "normalizer"]
