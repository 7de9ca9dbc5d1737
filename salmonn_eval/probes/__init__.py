"""Diagnostics that ask a model: what its answers alone do not tell about task over-fitting."""
