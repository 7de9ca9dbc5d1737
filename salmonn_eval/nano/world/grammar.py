"""The grammar of what is said: clauses by frame, kind of verb and adverbials, exact in four languages.

A skeleton is one such choice; a combination is frame x verb x subject x object. Both are dealt to splits by hash, so
what a model is tested on is fixed by the grammar alone.
"""

from collections.abc import Iterator
from random import Random
from typing import Literal

from msgspec import Struct

from salmonn_eval.nano.world.deal import Deal, dealt, percentile
from salmonn_eval.nano.world.frames import FRAMES, Clause, said
from salmonn_eval.nano.world.lexicon import Lexicon, Noun, Verb, Word, lexicon
from salmonn_eval.nano.world.phrases import Phrase, draw_object, head

Adverbials = Literal["none", "place", "time", "time first", "time and place"]
LONGEST = 12  # words
UNSEEN_SKELETONS = 9  # per cent of the skeletons, in no training of any kind
_DIRECT: tuple[Adverbials, ...] = ("none", "place", "time", "time first", "time and place")
_QUESTION: tuple[Adverbials, ...] = ("none", "place", "time", "time and place")
_EMBEDDED: tuple[Adverbials, ...] = ("none", "place", "time")


class Skeleton(Struct, frozen=True):
    """Frame x kind of verb x adverbials."""

    frame: str
    kind: str
    adverbials: Adverbials

    @property
    def unseen(self) -> bool:
        """Held out of every training."""
        return percentile(f"{self.frame}|{self.kind}|{self.adverbials}") < UNSEEN_SKELETONS


class Sentence(Struct, frozen=True):
    """One sentence: English lower case without punctuation, translations as they are written, and what stands in it.

    `slots` maps a slot's name to its words: who, what, where, when, whom. `keywords` are its nouns and verb.
    """

    text: str
    de: str
    zh: str
    ja: str
    skeleton: Skeleton
    combination: str
    slots: dict[str, str]
    keywords: tuple[str, ...]

    @property
    def deal(self) -> Deal:
        """To whom it belongs."""
        return "unseen" if self.skeleton.unseen else dealt(self.combination)


def skeletons() -> Iterator[Skeleton]:
    """All of them."""
    for name, frame in FRAMES.items():
        for kind in lexicon().verbs:
            for adverbials in _EMBEDDED if frame.embedded else _QUESTION if name == "question" else _DIRECT:
                placed = "place" in adverbials
                untimed = "time" not in adverbials
                if (kind == "move" and placed) or (frame.time == "habit" and untimed):
                    continue
                yield Skeleton(name, kind, adverbials)


def draw_sentence(rng: Random, deal: Deal, most_words: int = LONGEST) -> Sentence:
    """A random sentence of a split, of at most so many words."""
    while True:
        sentence = build(rng, rng.choice(_SKELETONS), lexicon())
        if sentence.deal == deal and len(sentence.text.split()) <= most_words:
            return sentence


def spoken_words() -> frozenset[str]:
    """Every English word that a sentence can hold."""
    words = lexicon()
    things = (*words.things, *words.foods)
    phrases = [
        *(person.en for person in words.people),
        *(adjective.en for adjective in words.adjectives),
        *(form for noun in things for form in (noun.en, noun.en_several)),
        *(number.en for number in words.numbers),
        *(f"{place.preposition} the {place.en}" for place in words.places),
        *(time.en for times in words.times.values() for time in times),
        *(
            f"{form} {verb.tail.format(r='', o='', p='')}"
            for verbs in words.verbs.values()
            for verb in verbs
            for form in verb.en
        ),
        *(f"{frame.en} {frame.outer[0].format(s='', c='')}" for frame in FRAMES.values()),
        "a an the",
    ]
    return frozenset(word for phrase in phrases for word in phrase.split())


def build(rng: Random, skeleton: Skeleton, words: Lexicon) -> Sentence:
    """Fill a skeleton."""
    frame = FRAMES[skeleton.frame]
    verb = rng.choice(words.verbs[skeleton.kind])
    subject, other, speaker = rng.sample(words.people, 3)
    thing = rng.choice(_nouns(words, verb, skeleton.kind)) if "{o}" in verb.tail else None
    what = draw_object(rng, words, thing, definite=frame.definite) if thing else None
    place = rng.choice(words.places) if "{p}" in verb.tail or "place" in skeleton.adverbials else None
    time = rng.choice(words.times[frame.time]) if "time" in skeleton.adverbials else None
    clause = Clause(
        verb=verb,
        subject=subject,
        other=other if "{r}" in verb.tail else None,
        what=what,
        place=place,
        time=time,
        time_first=skeleton.adverbials == "time first",
    )
    en, de, zh, ja = said(frame, clause, speaker)
    return Sentence(
        text=en,
        de=de[0].upper() + de[1:],
        zh=zh,
        ja=ja,
        skeleton=skeleton,
        combination="|".join(
            [skeleton.frame, verb.en[0], subject.en, thing.en if thing else place.en if place else ""]
        ),
        slots=_slots(clause),
        keywords=_keywords(clause, what, time, verb.en[frame.en_form]),
    )


def _nouns(words: Lexicon, verb: Verb, kind: str) -> tuple[Noun, ...]:
    if kind == "feed":
        return words.foods
    return (*words.things, *words.foods) if verb.food else words.things


def _slots(clause: Clause) -> dict[str, str]:
    found = {
        "person": clause.subject.en,
        "object": clause.what.en if clause.what else "",
        "place": f"the {clause.place.en}" if clause.place else "",
        "time": clause.time.en if clause.time else "",
        "other person": clause.other.en if clause.other else "",
    }
    return {name: words for name, words in found.items() if words}


def _keywords(clause: Clause, what: Phrase | None, time: Word | None, verb: str) -> tuple[str, ...]:
    """Nouns in order, then the verb as it is said."""
    found = [
        head(clause.subject),
        *([what.head] if what else []),
        *([head(clause.other)] if clause.other else []),
        *([clause.place.en] if clause.place else []),
        *([time.en.split()[-1]] if time else []),
        verb,
    ]
    return tuple(found)


_SKELETONS = tuple(skeletons())
