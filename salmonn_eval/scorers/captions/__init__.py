"""Caption metrics: METEOR, CIDEr-D, ROUGE-L, BLEU4, SPICE and SPIDEr, and the Java programs behind them."""
