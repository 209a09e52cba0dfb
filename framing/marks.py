"""What tokens are marked with, beside the countries they name, and how long lines of some kinds may be."""

ENDS = 4  # it ends a sentence
ABBREVIATED = 8  # it would, but for being an abbreviation
STOPS = 16  # it has the full stop of prose, abbreviations' included
OPENS = 32  # it has an opening bracket
CLOSES = 64  # it ends with a closing bracket
COMPOUND = 128  # it has no word, or several
VOID = 256  # it folds to nothing
WHOLE = 512  # it is one word of as many letters as it has when folded; only the compiled reader asks, to look up less

MAX_FURNITURE_WORDS = 14  # a line of more tokens is prose whatever it begins with
MAX_AGE_WORDS = 8  # and one that ends with how old an item is has no more than these
