"""ARPAbet strings in the spellings that recognisers and text normalizers leave them in."""

from msgspec import Struct

VOWELS = frozenset("AA AE AH AO AW AY EH ER EY IH IY OW OY UH UW".split())
CONSONANTS = frozenset("B CH D DH F G HH JH K L M N NG P R S SH T TH V W Y Z ZH".split())
PHONES = VOWELS | CONSONANTS
"""The 39 phones of the CMU pronouncing dictionary, without stress."""
SILENCES = frozenset(("SIL", "SP", "SPN"))
_DIGITS = {"0": "0", "1": "1", "2": "2", "ZERO": "0", "ONE": "1", "TWO": "2"}
_SYMBOLS = {symbol + digit: symbol for symbol in PHONES | SILENCES for digit in ("", "0", "1", "2")}
_PIECES = {
    **{word: (digit,) for word, digit in _DIGITS.items()},
    # a normalizer that writes digits as words joins "1 s" to "ones"
    **{word + symbol: (digit, symbol) for word, digit in _DIGITS.items() for symbol in PHONES | SILENCES},
    **{symbol: (symbol,) for symbol in _SYMBOLS},
}
"""Every token that is phones or stress, in any spelling, and what it is made of."""
_STRESSES = frozenset(_DIGITS.values())


class PhoneString(Struct, frozen=True):
    """A text read as phones, in upper case with the stress digit at its vowel (`IH1`); `foreign` is what is none.

    `tokens` holds phones, silences and foreign tokens in order; `stray` counts stress digits without a vowel.
    """

    tokens: tuple[str, ...]
    foreign: tuple[str, ...]
    stray: int

    @property
    def phones(self) -> int:
        """How many tokens are phones or silences."""
        return len(self.tokens) - len(self.foreign)

    @property
    def share(self) -> float:
        """Share of phones and silences among all tokens, stray stress digits not counted; 0 of an empty text."""
        return self.phones / len(self.tokens) if self.tokens else 0.0


def read_phones(text: str) -> PhoneString:
    """Read white-space separated phones; stress digits may be attached, split off or spelled out (`ih one z`)."""
    tokens: list[str] = []
    foreign: list[str] = []
    stray = 0
    for token in text.upper().split():
        pieces = _PIECES.get(token)
        if pieces is None:
            foreign.append(token)
        for piece in pieces or (token,):
            if piece not in _STRESSES:
                tokens.append(piece)
            elif tokens and tokens[-1] in VOWELS:
                tokens[-1] += piece
            else:
                stray += 1
    return PhoneString(tuple(tokens), tuple(foreign), stray)


def fold39(tokens: tuple[str, ...]) -> tuple[str, ...]:
    """The same phones without stress digits and without silences; foreign tokens stay as they are."""
    phones = [_SYMBOLS.get(token, token) for token in tokens]
    return tuple(phone for phone in phones if phone not in SILENCES)
