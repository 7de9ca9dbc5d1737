"""Noun phrases in four languages."""

from random import Random

from msgspec import Struct

from salmonn_eval.nano.world.lexicon import Adjective, Lexicon, Noun, Person, Word

_DETERMINERS = {"a": 4, "the": 2, "number": 2}  # how often
_A = {"m": ("einen", "en"), "f": ("eine", "e"), "n": ("ein", "es")}  # accusative article, ending of the adjective
_THE = {"m": ("den", "en"), "f": ("die", "e"), "n": ("das", "e")}


class Phrase(Struct, frozen=True):
    """A noun phrase in the accusative; `head` is its English noun."""

    en: str
    de: str
    zh: str
    ja: str
    head: str
    colour: str = ""


def draw_object(rng: Random, words: Lexicon, noun: Noun, *, definite: bool) -> Phrase:
    """A phrase around a noun: `a red book`, `the book`, `three books`; `definite` takes `the` alone."""
    determiner = "the" if definite else rng.choices(list(_DETERMINERS), list(_DETERMINERS.values()))[0]
    food = noun in words.foods
    fit = [adjective for adjective in words.adjectives if adjective.food or not food]
    adjective = rng.choice(fit) if rng.random() < 0.55 else None
    return object_phrase(noun, adjective, determiner, rng.choice(words.numbers))


def object_phrase(noun: Noun, adjective: Adjective | None, determiner: str, number: Word) -> Phrase:
    """The phrase in all languages; `number` is used with the determiner `number` only."""
    if determiner == "number":
        en, de = number.en, number.de + (f" {adjective.de}e" if adjective else "")
        zh, ja = number.zh, f"{number.ja}{noun.counter}の"
    else:
        article, ending = (_A if determiner == "a" else _THE)[noun.gender]
        following = adjective.en if adjective else noun.en
        en = ("an" if following[0] in "aeiou" else "a") if determiner == "a" else "the"
        de = article + (f" {adjective.de}{ending}" if adjective else "")
        zh, ja = ("一", "") if determiner == "a" else ("那", "その")
    several = determiner == "number"
    return Phrase(
        en=" ".join([en, *([adjective.en] if adjective else []), noun.en_several if several else noun.en]),
        de=f"{de} {noun.de_several if several else noun.de}",
        zh=f"{zh}{noun.measure}{adjective.zh if adjective else ''}{noun.zh}",
        ja=f"{ja}{adjective.ja if adjective else ''}{noun.ja}",
        head=noun.en,
        colour=adjective.en if adjective else "",
    )


def head(person: Person) -> str:
    """The noun of a person: `teacher`, `sister`, `anna`."""
    return person.en.split()[-1]
