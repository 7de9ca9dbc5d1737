"""Frames: what tense and mood make of a clause, in four languages."""

from collections.abc import Mapping

from msgspec import Struct

from salmonn_eval.nano.world.lexicon import Person, Place, Verb, Word
from salmonn_eval.nano.world.phrases import Phrase


class Clause(Struct, frozen=True):
    """Who does what; empty parts are None."""

    verb: Verb
    subject: Person
    other: Person | None
    what: Phrase | None
    place: Place | None
    time: Word | None
    time_first: bool = False

    @property
    def goes_there(self) -> bool:
        """The place is where the verb leads."""
        return "{p}" in self.verb.tail


class Frame(Struct, frozen=True):
    """One tense or mood.

    English: what stands before the form number `en_form` of the verb. German: the finite verb (empty: the verb itself)
    and the form number `de_form` at the end. Chinese: the word before the verb, and whether it is done. Japanese: the
    form and its ending. `embedded` frames set the clause below `outer`, where `{s}` is somebody else.
    """

    time: str
    en: str
    en_form: int
    de: str
    de_form: int
    zh: str
    done: bool
    ja_form: int
    ja: str
    definite: bool = False
    embedded: bool = False
    outer: tuple[str, str, str, str] = ("", "", "", "")


BASE, PAST, THIRD = 0, 1, 2
INFINITIVE, PARTICIPLE, PRESENT, AUXILIARY = 0, 1, 2, 3
MASU, TA, DICTIONARY, NAI = 1, 2, 3, 4

FRAMES: Mapping[str, Frame] = {
    "past": Frame("past", "", PAST, "aux", PARTICIPLE, "", True, MASU, "ました"),
    "not": Frame("past", "did not ", BASE, "aux", PARTICIPLE, "没有", False, MASU, "ませんでした", definite=True),
    "future": Frame("future", "will ", BASE, "wird", INFINITIVE, "会", False, MASU, "ます"),
    "want": Frame("future", "wants to ", BASE, "will", INFINITIVE, "想", False, MASU, "たがっています"),
    "can": Frame("future", "can ", BASE, "kann", INFINITIVE, "能", False, DICTIONARY, "ことができます"),
    "must": Frame("future", "has to ", BASE, "muss", INFINITIVE, "必须", False, NAI, "なければなりません"),
    "habit": Frame("habit", "", THIRD, "", PRESENT, "", False, MASU, "ます"),
    "question": Frame("past", "did ", BASE, "aux", PARTICIPLE, "", True, MASU, "ましたか"),
    "think": Frame(
        "past", "", PAST, "aux", PARTICIPLE, "", True, TA, "と思います", embedded=True,
        outer=("i think that {c}", "ich glaube, dass {c}", "我认为{c}", "{c}"),
    ),
    "know": Frame(
        "past", "", PAST, "aux", PARTICIPLE, "", True, TA, "ことを知っています", embedded=True,
        outer=("{s} knows that {c}", "{s} weiß, dass {c}", "{s}知道{c}", "{s}は{c}"),
    ),
    "say": Frame(
        "past", "", PAST, "aux", PARTICIPLE, "", True, TA, "と言いました", embedded=True,
        outer=("{s} said that {c}", "{s} hat gesagt, dass {c}", "{s}说{c}", "{s}は{c}"),
    ),
    "hope": Frame(
        "future", "will ", BASE, "wird", INFINITIVE, "会", False, DICTIONARY, "ことを望んでいます", embedded=True,
        outer=("{s} hopes that {c}", "{s} hofft, dass {c}", "{s}希望{c}", "{s}は{c}"),
    ),
}  # fmt: skip


def said(frame: Frame, clause: Clause, speaker: Person) -> tuple[str, str, str, str]:
    """English, German, Chinese and Japanese; `speaker` is who thinks, knows or says it, where somebody does."""
    inner = (_english(frame, clause), _german(frame, clause), _chinese(frame, clause), _japanese(frame, clause))
    if not frame.embedded:
        return inner
    names = (speaker.en, speaker.de, speaker.zh, speaker.ja)
    en, de, zh, ja = (outer.format(s=name, c=text) for outer, name, text in zip(frame.outer, names, inner, strict=True))
    return en, de, zh, ja


def _english(frame: Frame, clause: Clause) -> str:
    verb, asks = clause.verb, frame is FRAMES["question"]
    tail = verb.tail.format(
        r=clause.other.en if clause.other else "",
        o=clause.what.en if clause.what else "",
        p=clause.place.en if clause.place else "",
    )
    where = "" if clause.place is None or clause.goes_there else f"{clause.place.preposition} the {clause.place.en}"
    when = clause.time.en if clause.time else ""
    words = [
        when if clause.time_first else "",
        frame.en.strip() if asks else "",
        clause.subject.en,
        "" if asks else frame.en.strip(),
        verb.en[frame.en_form],
        tail,
        where,
        "" if clause.time_first else when,
    ]
    return " ".join(word for word in words if word)


def _german(frame: Frame, clause: Clause) -> str:
    verb = clause.verb
    finite = {"aux": verb.de[AUXILIARY], "": verb.de[PRESENT]}.get(frame.de, frame.de)
    last = verb.de[frame.de_form] if frame.de else ""
    other = " ".join(word for word in (verb.preposition, clause.other.de_dative) if word) if clause.other else ""
    what = clause.what.de if clause.what else ""
    where = (clause.place.de_to if clause.goes_there else clause.place.de) if clause.place else ""
    no = "nicht" if frame is FRAMES["not"] else ""
    when = clause.time.de if clause.time else ""
    # `mit jemandem` and a place follow `nicht`, a bare dative or accusative precedes it.
    before, after = ([other, what], [where]) if not verb.preposition else ([what], [other, where])
    middle = [*before, no, *after]
    subject = clause.subject.de
    if frame.embedded:
        words = [subject, when, *middle, last, finite]
    elif frame is FRAMES["question"]:
        words = [finite, subject, when, *middle, last]
    elif clause.time_first:
        words = [when, finite, subject, *middle, last]
    else:
        words = [subject, finite, when, *middle, last]
    return " ".join(word for word in words if word)


def _chinese(frame: Frame, clause: Clause) -> str:
    what = clause.verb.zh[frame.done].format(
        r=clause.other.zh if clause.other else "",
        o=clause.what.zh if clause.what else "",
        p=clause.place.zh_to if clause.place else "",
    )
    when = clause.time.zh if clause.time else ""
    where = clause.place.zh if clause.place and not clause.goes_there else ""
    who = f"{when}{clause.subject.zh}" if clause.time_first else f"{clause.subject.zh}{when}"
    return f"{who}{frame.zh}{where}{what}{'吗' if frame is FRAMES['question'] else ''}"


def _japanese(frame: Frame, clause: Clause) -> str:
    before, *forms = clause.verb.ja
    what = before.format(
        r=clause.other.ja if clause.other else "",
        o=clause.what.ja if clause.what else "",
        p=clause.place.ja if clause.place else "",
    )
    when = clause.time.ja if clause.time else ""
    where = f"{clause.place.ja}で" if clause.place and not clause.goes_there else ""
    who = f"{clause.subject.ja}{'が' if frame.embedded else 'は'}"
    first = f"{when}{who}" if clause.time_first else f"{who}{when}"
    return f"{first}{where}{what}{forms[frame.ja_form - 1]}{frame.ja}"
