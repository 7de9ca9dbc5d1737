r"""The SALMONN network (Tang et al. 2023, arXiv 2310.13289): two encoders, a window-level Q-Former, Llama with LoRA.

    wave 16 kHz ─ log-mel ─ Whisper encoder ── LayerNorm ─┐
                └ fbank  ── BEATs ──────────── LayerNorm ─┴ joined by index ─ windows ─ Q-Former ─ projection ─ speech
    <bos> USER: <Speech> [speech] </Speech> {instruction}\nASSISTANT: ─ Llama + LoRA ─ answer

`frontend`, `beats`, `qformer` and `hearing` are the first line, `prompt` and the language side the second; `checkpoint`
reads the release's files, `folder` a directory of our own, `backend` makes a model of it all.
"""
