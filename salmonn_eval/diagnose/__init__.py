"""Task over-fitting and its kin, diagnosed on finished runs: no model, no torch."""
