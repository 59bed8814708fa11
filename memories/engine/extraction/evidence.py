"""What the words around a name say of its type: "Ghent, a port", "the band Blur", "Mrs. Hale"."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from memories.engine.extraction import grammar
from memories.engine.extraction.kinds import kind_of
from memories.engine.extraction.predicates import KIN
from memories.engine.extraction.wording import head_type

if TYPE_CHECKING:
    from spacy.tokens import Doc, Token

    from memories.engine.extraction.names import Name

SURE, LIKELY, HINT = 4.0, 2.0, 1.1  # the recogniser's own guess weighs 1
_TITLES_WORDS = """
    mr mrs ms miss dr sir dame prof professor sen senator rep gov governor rev reverend lt sgt col gen capt
    captain general colonel major president king queen prince princess pope lord lady saint judge justice
    secretary minister
    chancellor ambassador sheikh imam rabbi cardinal bishop archbishop admiral commander sergeant lieutenant
    spokesman spokeswoman congressman congresswoman premier mayor emperor empress count baron duke
    """
_TITLES = frozenset(_TITLES_WORDS.split())
ADDRESSES = frozenset({"Mr", "Mrs", "Ms", "Miss"})
_SPEAKING_WORDS = """
    say tell think believe hope want laugh marry ask reply recall explain admit smile cry wonder realize decide
    quip joke testify sing die retire graduate write feel insist argue note"""
_SPEAKING = frozenset(_SPEAKING_WORDS.split())
_SUFFERED_WORDS = """
    bear arrest convict assassinate sentence bury knight marry ordain baptize crown behead imprison wound hospitalize
    canonize exile jail murder injure"""
_SUFFERED = frozenset(_SUFFERED_WORDS.split())  # what is done to people
_PERSONAL_WORDS = """
    life death birth childhood career marriage funeral face eye hand hair voice novel poem poetry writing painting
    memoir biography diary autobiography childhood mind heart grave
"""
_PERSONAL = frozenset(_PERSONAL_WORDS.split())
_MAKING = frozenset({"write", "direct", "compose", "paint", "author", "translate", "illustrate", "invent", "sing"})
_SIDES = frozenset({"north", "south", "east", "west", "northeast", "northwest", "southeast", "southwest"})
_BESIDE = _SIDES | {"near", "outside", "throughout", "across", "toward", "towards"}
_MISTAKEN = frozenset({"organization", "person"})  # what the recogniser takes unusual places for
_WRITING = frozenset({"write", "author", "compose", "publish", "pen", "co-write", "rewrite"})
_ACTING = frozenset({"star", "co-star", "act"})
_BORDERING = frozenset({"border", "bind", "bound", "surround"})
_LYING_WORDS = """
nearby downtown rural suburban upper lower central northern southern eastern western northeastern northwestern
southeastern southwestern neighboring neighbouring
"""
_LYING = frozenset(_LYING_WORDS.split())  # "in nearby Gainesville"
_LANDS_WORDS = """
region district city town village province state county island municipality suburb country territory hamlet commune
comune parish kingdom republic canton prefecture borough township
"""
_LANDS = frozenset(_LANDS_WORDS.split())
_WHERE = frozenset({"in", "around"})


def evidence(doc: Doc, names: Sequence[Name]) -> Iterator[tuple[Name, str, float]]:
    """Triples of a name, a type and the weight of what speaks for it; for parsed English."""
    starts = {name.first: name for name in names}
    for name in names:
        root = doc[name.first : name.last].root
        for kind, weight in _spoken(doc, name, root, starts):
            yield name, kind, weight
    yield from _alike(doc, names)


def _alike(doc: Doc, names: Sequence[Name]) -> Iterator[tuple[Name, str, float]]:
    """The items of a list are of one kind, which most of them show."""
    lists: dict[int, list[Name]] = defaultdict(list)
    for name in names:
        if name.first and doc[name.first - 1].text == "(":
            continue  # "Dayton, Ohio (AP)"
        lists[grammar.list_head(doc[name.first : name.last].root).i].append(name)
    for items in lists.values():
        (kind, count), *_ = Counter(name.type for name in items).most_common(1)
        if len(items) > 2 and count * 2 > len(items):
            yield from ((name, kind, HINT) for name in items if name.rank >= 2)


def _spoken(doc: Doc, name: Name, root: Token, starts: dict[int, Name]) -> Iterator[tuple[str, float]]:
    yield from _headed(name)
    yield from _before(doc, name)
    yield from _behind(doc, name, starts)
    yield from _said_to_be(root, name)
    if root.dep_ == "pobj" and root.head.i == name.first - 1:
        if root.head.lower_ in _BESIDE or (root.head.lower_ == "of" and root.head.head.lower_ in _BESIDE):
            yield "location", LIKELY
        elif root.head.lower_ in _WHERE and name.last - name.first <= 2 and name.type in _MISTAKEN:
            yield "location", HINT
    yield from _as_author(root, name, starts)
    yield from _as_work(root, name)
    first = grammar.list_head(root)
    by = first.dep_ == "pobj" and first.head.lower_ == "by"
    if by and (first.head.head.lemma_ in _BORDERING or first.head.head.lower_ in _SIDES):
        yield "location", LIKELY
    if root.dep_ == "nsubj" and root.head.lemma_ in _SPEAKING and name.last - name.first <= 3:
        yield "person", HINT
    if root.dep_ == "nsubjpass" and root.head.lemma_ in _SUFFERED and name.last - name.first <= 3:
        yield "person", LIKELY


def _as_author(root: Token, name: Name, starts: dict[int, Name]) -> Iterator[tuple[str, float]]:
    """ "Orwell's Animal Farm", "Orwell's childhood", "a novel by Orwell"."""
    if name.last - name.first > 3:
        return
    head = root.head
    if root.dep_ == "poss" and head.i > root.i:
        owned = next((other for first, other in starts.items() if first <= head.i < other.last), None)
        if owned is not None and owned.type == "work":
            yield "person", HINT
        elif owned is None and head.lemma_ in _PERSONAL | KIN:
            yield "person", LIKELY
    elif root.dep_ == "pobj" and head.lower_ == "by":
        made = head.head
        if made.lemma_ in _MAKING or kind_of(made) == "work":
            yield "person", HINT


def _as_work(root: Token, name: Name) -> Iterator[tuple[str, float]]:
    """ "wrote Animal Farm", "starred in Cabaret"."""
    written = root.dep_ == "dobj" and root.head.lemma_ in _WRITING
    acted = root.dep_ == "pobj" and root.head.lower_ == "in" and root.head.head.lemma_ in _ACTING
    if name.rank >= 2 and (written or acted):
        yield "work", LIKELY


def _headed(name: Name) -> Iterator[tuple[str, float]]:
    """ "McGill University" is an organization, wherever one is at it."""
    words = name.text.casefold().split()
    kind = head_type(words) if len(words) > 1 and name.rank >= 2 else None
    if kind == "organization" and name.type == kind:
        yield kind, LIKELY


def _before(doc: Doc, name: Name) -> Iterator[tuple[str, float]]:
    """ "Mrs. Hale", "the band Blur", "his son Brian", "the region of Apulia"."""
    if doc[name.first].text.rstrip(".") in ADDRESSES and name.last - name.first > 1:
        yield "person", SURE
    if name.first == 0:
        return
    word = doc[name.first - 1]
    if word.lower_ in _LYING and word.text.islower():
        yield "location", LIKELY
    if word.lower_.rstrip(".") in _TITLES and word.text[0].isupper():
        yield "person", SURE
    kind = kind_of(word)
    if kind is not None and word.tag_ == "NN" and doc[name.first : name.last].root.head.i >= word.i - 1:
        yield kind, SURE
    if name.first > 1 and word.lower_ == "of" and doc[name.first - 2].lower_ in _LANDS:
        yield "location", LIKELY


def _behind(doc: Doc, name: Name, starts: dict[int, Name]) -> Iterator[tuple[str, float]]:
    """ "Hale, 37,", "Ames, Iowa", "Hale, who", "the Satyricon club", "Bleak House (1852)"."""
    if name.last >= len(doc):
        return
    word = doc[name.last]
    following = doc[name.last + 1] if name.last + 1 < len(doc) else None
    kind = kind_of(word)
    if kind is not None and word.tag_ == "NN" and kind != "person" and doc[name.first : name.last].root.head == word:
        yield kind, LIKELY
    if word.text != "," or following is None:
        return
    described = following.lower_ in {"who", "whom"} and doc[name.first : name.last].root.dep_ != "pobj"
    if described or _is_age(doc, following.i):
        yield "person", SURE
    place = starts.get(following.i)
    if place is not None and place.type == "location" and place.rank == 2 and name.last - name.first <= 3:
        closing = doc[place.last].text if place.last < len(doc) else "."
        if closing == "(" and name.first == 0 and name.text.isupper():
            yield "location", SURE  # a dateline
        if closing in {",", ".", ")", ";"} and name.type != "person":
            yield "location", LIKELY


def _is_age(doc: Doc, i: int) -> bool:
    closed = i + 1 < len(doc) and not doc[i + 1].text.isalnum()
    return closed and doc[i].text.isdigit() and len(doc[i]) == 2


def _said_to_be(root: Token, name: Name) -> Iterator[tuple[str, float]]:
    """ "Ghent, a port"; "Ghent is a port"."""
    for child in root.children:
        if child.dep_ == "appos" and child.i > root.i and (kind := kind_of(child)):
            yield kind, SURE
    if root.dep_ in {"nsubj", "nsubjpass"} and root.head.lemma_ in {"be", "become", "remain"}:
        for child in root.head.children:
            if child.dep_ == "attr" and child.tag_ in {"NN", "NNS"} and (kind := kind_of(child)):
                yield kind, SURE
    if root.dep_ == "appos" and root.head.i < root.i and (kind := kind_of(root.head)) and root.head.tag_ == "NN":
        yield kind, SURE
