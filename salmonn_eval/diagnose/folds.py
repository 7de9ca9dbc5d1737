"""What is resampled together across test sets, and the folds that it is parted into."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from salmonn_eval.diagnose.reading import Answered, clip_id
from salmonn_eval.stats.bootstrap import SEED
from salmonn_eval.stats.members import Members, members
from salmonn_eval.stats.randomisation import together

FOLDS = 5


def joint_units(sets: Sequence[tuple[str, Sequence[Answered]]]) -> list[NDArray[np.int64]]:
    """The unit [n] of every item of named test sets: items of one cluster or on one clip are of one unit.

    An item of two clusters links them. Units are numbered through all sets.
    """
    own: list[tuple[str, ...]] = []
    heard: list[tuple[str, ...]] = []
    for name, answers in sets:
        for answer in answers:
            clip = clip_id(answer.request) or f"{name} {answer.sample.id}"
            own.append(tuple(f"cluster {one}" for one in answer.cluster))
            heard.append((f"cluster {answer.cluster[0]}", f"clip {clip}"))
    units = together(members([*own, *heard]))[: len(own)]
    units = np.unique(units, return_inverse=True)[1].astype(np.int64)
    ends = np.cumsum([0, *(len(answers) for _, answers in sets)])
    return [units[start:end] for start, end in pairwise(ends)]


def joint_members(sets: Sequence[tuple[str, Sequence[Answered]]]) -> Members:
    """The clusters of all items of named test sets, in their order; those that items on one clip join are one.

    Unlike in `joint_units` an item of two clusters joins nothing: it belongs to both.
    """
    links: list[tuple[str, ...]] = []
    own: list[tuple[str, ...]] = []
    for name, answers in sets:
        for answer in answers:
            names = tuple(f"cluster {one}" for one in answer.cluster)
            own.append(names)
            links += [(one,) for one in names]
            if len(names) == 1:
                links.append((names[0], f"clip {clip_id(answer.request) or f'{name} {answer.sample.id}'}"))
    units = together(members(links)).tolist()
    unit = {names[0]: f"unit {number}" for names, number in zip(links, units, strict=True)}
    return members([tuple(unit[one] for one in names) for names in own])


def folds(held: NDArray[np.bool_], count: int = FOLDS, seed: int = SEED) -> NDArray[np.int64]:
    """The fold [units] of each unit, `held` [sets, units] telling which sets have items of it.

    Units of the same sets are dealt out in turn, so that every fold has its part of every set.
    """
    generator = np.random.default_rng(seed)
    kinds = np.unique(held.T, axis=0, return_inverse=True)[1].ravel()
    order = np.lexsort(np.stack([generator.random(held.shape[1]), kinds]))
    found = np.empty(held.shape[1], dtype=np.int64)
    found[order] = np.arange(held.shape[1]) % count
    return found
