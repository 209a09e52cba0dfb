"""Which language a text is in, as far as the four we serve are concerned.

Script first, then the commonest function words and the letters that only one language has: enough to
tell served languages from others of the same script, not a general language identifier.
"""

import re
from collections import Counter
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
_WORDS = {language: frozenset(words.split()) for language, words in _FUNCTION_WORDS.items()}
_SCRIPT_LANGUAGES = {"arabic": ("ar", "fa"), "cyrillic": ("ru",), "latin": ("en",)}
_SAMPLE_WORDS = 200
_FOREIGN_SHARE = 0.02
_ENOUGH_WORDS = 12  # below this many words the lack of function words says nothing


def detect_language(words: Sequence[str]) -> str:
    """Return "ar", "en", "fa" or "ru" for the folded `words` of a text, or "und" for any other language."""
    sample = words[:_SAMPLE_WORDS]
    letters = "".join(sample)
    counts = {script: len(pattern.findall(letters)) for script, pattern in _SCRIPTS.items()}
    script = max(counts, key=lambda name: counts[name])
    if counts[script] * 2 <= sum(character.isalpha() for character in letters):
        return "und"
    if len(_FOREIGN_LETTERS[script].findall(letters)) > _FOREIGN_SHARE * len(letters):
        return "und"
    hits = Counter({language: _hits(sample, language) for language in _SCRIPT_LANGUAGES[script]})
    if script == "arabic":
        hits["fa"] += sum(any(letter in "پچژگ" for letter in word) for word in sample)
        hits["ar"] += sum(word.startswith("ال") for word in sample)
    language, count = hits.most_common(1)[0]
    return "und" if count == 0 and len(sample) >= _ENOUGH_WORDS else language


def _hits(words: Sequence[str], language: str) -> int:
    return sum(word in _WORDS[language] for word in words)
