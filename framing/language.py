"""Which language a text is in, as far as the four we serve are concerned.

Script first, then the commonest function words and the letters that only one language has: enough to
tell served languages from others of the same script, not a general language identifier.
"""

import re
from collections.abc import Sequence

SUPPORTED = ("ar", "en", "fa", "ru")

_SCRIPTS = {
    "arabic": re.compile(r"[\u0600-\u06ff]"),
    "cyrillic": re.compile(r"[\u0400-\u04ff]"),
    "latin": re.compile(r"[a-z\u00df-\u024f]"),
}
_FOREIGN_LETTERS = {
    "arabic": re.compile(r"[ٹڈڑںۓٺټڼړښځڅۋۆۇۈڵێ]"),  # Urdu, Pashto, Sindhi, Uyghur, Kurdish
    "cyrillic": re.compile(r"[іїєґўјљњћђџѓќѕәғқңөұүһҳҷӣӯ]"),  # Ukrainian, Belarusian, Serbian, Kazakh, Tajik
    "latin": re.compile(r"[\u00df-\u024f]"),
}
_FUNCTION_WORDS = {
    "ar": "فی من علی الی ان التی الذی عن هذا هذه مع بعد قبل بین لم لا ما قال وقال خلال کما وفی الا او کان حیث",
    "fa": "در به از که را این با برای است ان بود شد می شود کرد کرده خود تا بر هم یا نیز گفت دو یک های ها",
    "en": "the of to and in a is for on that with by as at from it was has said be are an not its after over his will",
    "ru": "в и на с по не что о из для к от за как это но при у до его россии ирана",
}
_PERSIAN_LETTERS = frozenset("پچژگ")
_WORDS = {language: frozenset(words.split()) for language, words in _FUNCTION_WORDS.items()}
SIGNS = ("letters", "alphabetic", *_SCRIPTS, *(f"foreign {script}" for script in _SCRIPTS), *_WORDS)
_SCRIPT_LANGUAGES = {"arabic": ("ar", "fa"), "cyrillic": ("ru",), "latin": ("en",)}
_LETTERS, _ALPHABETIC = SIGNS.index("letters"), SIGNS.index("alphabetic")
# What is foreign in a script comes as many places later as there are scripts.
_SCRIPT_PLACES = tuple(map(SIGNS.index, _SCRIPTS))
_LANGUAGE_PLACES = {
    SIGNS.index(script): tuple(map(SIGNS.index, languages)) for script, languages in _SCRIPT_LANGUAGES.items()
}
SAMPLE_WORDS = 200  # that are looked at, from the beginning
_FOREIGN_SHARE = 0.02
_ENOUGH_WORDS = 12  # below this many words the lack of function words says nothing


def detect_language(words: Sequence[str]) -> str:
    """Return "ar", "en", "fa" or "ru" for the folded `words` of a text, or "und" for any other language."""
    sample = words[:SAMPLE_WORDS]
    signs = [sum(column) for column in zip(*map(word_signs, sample), strict=True)] or [0] * len(SIGNS)
    return language_of(signs, len(sample))


def word_signs(word: str) -> tuple[int, ...]:
    """Return what speaks for a language in the folded `word`: a count for each of SIGNS."""
    scripts = [len(pattern.findall(word)) for pattern in _SCRIPTS.values()]
    foreign = [
        len(pattern.findall(word)) if count else 0
        for pattern, count in zip(_FOREIGN_LETTERS.values(), scripts, strict=True)
    ]
    hits = {language: int(word in words) for language, words in _WORDS.items()}
    hits["fa"] += not _PERSIAN_LETTERS.isdisjoint(word)
    hits["ar"] += word.startswith("ال")
    alphabetic = len(word) if word.isalpha() else sum(map(str.isalpha, word))
    return (len(word), alphabetic, *scripts, *foreign, *hits.values())


def language_of(signs: Sequence[float], words: int) -> str:
    """Return the language that `signs`, summed over so many `words`, speak for, or "und" for any that is not served."""
    script = max(_SCRIPT_PLACES, key=signs.__getitem__)
    if signs[script] * 2 <= signs[_ALPHABETIC]:
        return "und"
    if signs[script + len(_SCRIPTS)] > _FOREIGN_SHARE * signs[_LETTERS]:
        return "und"
    language = max(_LANGUAGE_PLACES[script], key=signs.__getitem__)
    return "und" if signs[language] == 0 and words >= _ENOUGH_WORDS else SIGNS[language]
