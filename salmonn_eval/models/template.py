"""The card that `new model NAME` writes: complete, commented, valid."""

import re
from pathlib import Path

from salmonn_eval.errors import UsageError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")

_CARD = """\
# A model card: who answers. Use it with `--model-path FOLDER --model {name}`, or with `--model {name}.yaml`.
# Every key is listed; an unknown one is an error. Those that can be left out say so.
name: {name}                      # the file's own name
backend: whisper                  # how it answers: whisper, pocketsphinx, replay, or a plug-in's
description: "One sentence for `salmonn-eval list models`."
family: {name}                    # optional: cards of one family that differ in train_seed are averaged in tables
template: "{{instruction}}"         # optional: the chat template around the task's instruction

audio:                            # optional: what the model does with audio it cannot take as it is
  max_s: 30                       # longest clip in seconds; leave out for no limit
  min_s: 0                        # shorter clips are padded with silence
  long_audio: truncate            # truncate, error (of that sample) or keep
  channels: mean                  # mean of all channels, or the first

capabilities:                     # optional: what the backend can do beyond answering one clip
  lora_scale: none                # none, per_call or per_row
  logprobs: true                  # log-probabilities of given continuations
  beams: true                     # beam search
  several_clips: false            # more than one clip in a request
  audio: true                     # false: never decodes audio
  text: false                     # true: can read what is said or heard in place of hearing it (--condition text)
  decoding: as asked              # own: decoding settings do not reach it; unknown: answers made elsewhere

# default_lora_scale: 4.0         # absolute (alpha / r included); only with capabilities.lora_scale
# dtype: float32                  # optional: what it computes in when nobody says --dtype
tasks: [asr]                      # optional: what it can be asked; leave out for everything
# trained_tasks: [asr]            # optional: what it was trained on, for reports of over-fitting
languages: [en]                   # optional: languages it hears (ISO 639-1)
generation:                       # optional: its own decoding defaults; task, suite and flags stand over them
  num_beams: 1
# suite: mini-real               # optional: test sets when nobody says --suite: mini, mini-real or paper
# quick_limit: 8                  # optional: clips per embedded test set when nobody says --limit
# train_seed: 0                   # optional: the seed it was trained with

# Stored with every run, so no secrets: a backend reads keys, tokens and passwords from the environment, and a card
# with an argument whose name ends so is refused.
arguments:                        # what `--model-arg KEY=VALUE` can set; the backend reads these
  ckpt:
    help: "folder of the checkpoint"
    required: true                # or `default: PATH`, and `beside: true` where it lies relative to this file
  language:
    help: "language token of a multilingual checkpoint"
    default: en

licence: "the terms of the weights"                   # optional
get: "how to obtain them, as a command if possible"   # optional
"""


def write_card(name: str, folder: Path) -> Path:
    """Write `folder/NAME.yaml` and return its path; UsageError for an unusable name or an existing file."""
    if not _NAME.fullmatch(name):
        raise UsageError(f"`{name}` cannot name a model; expected letters, digits, `.`, `_` and `-`, like my-model-7b")
    path = folder / f"{name}.yaml"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(_CARD.format(name=name))
    except FileExistsError as fault:
        raise UsageError(f"{path} exists already; choose another name, or remove it first") from fault
    except OSError as fault:
        raise UsageError(f"{path}: cannot be written ({fault.strerror}); choose another folder") from fault
    return path
