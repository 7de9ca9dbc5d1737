"""Training a SALMONN: pre-training, instruction tuning and activation tuning (arXiv 2310.13289, section 3.3)."""
