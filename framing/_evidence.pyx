# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""The compiled twin of `FramingModel._evidence`: the sentences and words that speak for a label, as numbers."""

from cpython.mem cimport PyMem_Calloc, PyMem_Free
from libc.math cimport INFINITY

from collections.abc import Sequence

from framing._reading cimport SentenceFields, span_of
from framing._scoring cimport Place, Scores, zeros


cdef class EvidenceList:
    """Evidence as a sequence: numbers, of which the objects are made when they are asked for.

    Who sends evidence reads the numbers; objects would take as long as all the rest of an answer.
    """

    def __dealloc__(self):
        PyMem_Free(self.sentences)
        PyMem_Free(self.phrases)

    def __len__(self):
        return self.size

    def __getitem__(self, place):
        return self._made()[place]

    def __iter__(self):
        return iter(self._made())

    def __eq__(self, other):
        return self._made() == tuple(other) if isinstance(other, Sequence) else NotImplemented

    def __repr__(self):
        return repr(self._made())

    def __reduce__(self):
        return tuple, (self._made(),)

    cdef tuple _made(self):
        cdef EvidenceMaker maker = self._maker
        cdef TellingSentence told
        cdef TellingPhrase phrase
        cdef Py_ssize_t place, part
        cdef list found = [], phrases
        for place in range(self.size):
            told, phrases = self.sentences[place], []
            for part in range(told.phrases, told.phrases + told.size):
                phrase = self.phrases[part]
                phrases.append(maker.phrase(maker.span(phrase.begin, phrase.end), phrase.contribution))
            span, where = maker.span(told.begin, told.end), "title" if told.in_title else "text"
            found.append(maker.evidence(self.names[told.label], where, span, told.contribution, tuple(phrases)))
        return tuple(found)


Sequence.register(EvidenceList)


cdef class EvidenceMaker:
    """Makes the evidence of a model: `evidence`, `phrase` and `span` are the classes of article.py and letters.py.

    `spans` tells of a token where its words are in it, `phrases` is how many words of a sentence are told of at most.
    """

    cdef object evidence, phrase, span, _spans
    cdef Py_ssize_t _phrases

    def __cinit__(self, evidence, phrase, span, spans, Py_ssize_t phrases):
        self.evidence, self.phrase, self.span, self._spans, self._phrases = evidence, phrase, span, spans, phrases

    def of(self, Scores scores not None, sentences, Py_ssize_t title, tuple names not None, labels, Py_ssize_t most):
        """Return the evidence of `labels`, numbers of `names`, for what `scores` were got of; `title` sentences stand in it."""
        cdef EvidenceList found = EvidenceList()
        cdef Py_ssize_t label, sentence, rank, count = scores.sentences
        cdef Work work = Work(scores, self._phrases)
        most = min(most, count)
        found.names, found._maker = names, self
        found.sentences = <TellingSentence*> PyMem_Calloc(most * len(labels) + 1, sizeof(TellingSentence))
        found.phrases = <TellingPhrase*> PyMem_Calloc(most * len(labels) * self._phrases + 1, sizeof(TellingPhrase))
        if not (found.sentences and found.phrases):
            raise MemoryError
        for label in labels:
            scores.check_label(label)
            for sentence in range(count):
                work.by_sentence[sentence] = scores.added(sentence, label)
            for rank in range(strongest(work.by_sentence, count, most, work.sentences)):
                sentence = work.sentences[rank]
                self._tell(found, work, sentences[sentence], sentence, label)
                found.sentences[found.size].in_title = sentence < title
                found.size += 1
        return found

    cdef int _tell(
        self, EvidenceList found, Work work, SentenceFields place, Py_ssize_t sentence, Py_ssize_t label
    ) except -1:
        """Write the sentence as the next of `found`."""
        cdef TellingSentence* told = found.sentences + found.size
        cdef Py_ssize_t count, size = work.scores.sizes[sentence]
        work.scores.word_values(sentence, label, work.by_word, work.places)
        count = strongest(work.by_word, size, self._phrases, work.words)
        told.label, told.contribution = label, work.by_sentence[sentence]
        span_of(place, place.begin, 0, place.end - 1, 0, self._spans, &told.begin, &told.end)
        if found.size:
            told.phrases = (told - 1).phrases + (told - 1).size
        told.size = self._tell_phrases(found.phrases + told.phrases, work, place, count)
        return 0

    cdef Py_ssize_t _tell_phrases(
        self, TellingPhrase* told, Work work, SentenceFields sentence, Py_ssize_t count
    ) except -1:
        """Write the runs of the `count` words chosen, and what each adds; return how many."""
        cdef Py_ssize_t rank = 0, runs = 0, first, last
        cdef Place* places = work.places
        sort(work.words, count)
        while rank < count:
            first = last = work.words[rank]
            told[runs].contribution = work.by_word[first]
            rank += 1
            while rank < count and work.words[rank] == last + 1:
                last += 1
                told[runs].contribution += work.by_word[last]
                rank += 1
            span_of(
                sentence, sentence.begin + places[first].token, places[first].word + 1,
                sentence.begin + places[last].token, places[last].word + 1, self._spans,
                &told[runs].begin, &told[runs].end,
            )
            runs += 1
        return runs


cdef class Work:
    """Room for what evidence is worked out of: what sentences add, and words of one; which of them are chosen."""

    cdef Scores scores
    cdef double* by_sentence
    cdef double* by_word
    cdef Place* places
    cdef Py_ssize_t* sentences
    cdef Py_ssize_t* words

    def __cinit__(self, Scores scores not None, Py_ssize_t words):
        cdef Py_ssize_t longest = scores.longest()
        self.scores = scores
        self.by_sentence, self.sentences = zeros(scores.sentences), <Py_ssize_t*> zeros(scores.sentences)
        self.by_word, self.places = zeros(longest), <Place*> zeros(2 * longest)
        self.words = <Py_ssize_t*> zeros(words)

    def __dealloc__(self):
        PyMem_Free(self.by_sentence)
        PyMem_Free(self.by_word)
        PyMem_Free(self.places)
        PyMem_Free(self.sentences)
        PyMem_Free(self.words)


cdef Py_ssize_t strongest(double* values, Py_ssize_t count, Py_ssize_t most, Py_ssize_t* found) noexcept:
    """Write which of `values` are the greatest and above 0, the greatest first, of equal ones the first; return how many."""
    cdef Py_ssize_t place, best, size = 0
    cdef double highest, ceiling = INFINITY
    while size < most:
        best, highest = -1, 0.0
        for place in range(count):
            if highest < values[place] < ceiling:
                best, highest = place, values[place]
            elif values[place] == ceiling and size and place > found[size - 1]:
                best, highest = place, values[place]
                break
        if best < 0:
            break
        found[size], ceiling = best, highest
        size += 1
    return size


cdef void sort(Py_ssize_t* places, Py_ssize_t count) noexcept:
    """Put a few places in order."""
    cdef Py_ssize_t done, at
    for done in range(1, count):
        at = done
        while at and places[at - 1] > places[at]:
            places[at - 1], places[at] = places[at], places[at - 1]
            at -= 1
