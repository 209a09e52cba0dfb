"""What a token is marked with, beside the countries it names (countries.IRAN, countries.RUSSIA)."""

ENDS = 4  # it ends a sentence
ABBREVIATED = 8  # it would, but for being an abbreviation
STOPS = 16  # it has the full stop of prose, abbreviations' included
OPENS = 32  # it has an opening bracket
CLOSES = 64  # it ends with a closing bracket
COMPOUND = 128  # it has no word, or several
VOID = 256  # it folds to nothing
