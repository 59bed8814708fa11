"""Questions about a dependency tree: who does it, to what, in which mood. Labels are those of spaCy's English
models."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from memories.engine.extraction.names import text_of
from memories.engine.extraction.predicates import ACTIVE, ENDING, SPEECH, THOUGHT
from memories.engine.types import Polarity

if TYPE_CHECKING:
    from spacy.tokens import Token

SUBJECTS = frozenset({"nsubj", "nsubjpass"})
OBJECTS = frozenset({"dobj", "attr", "oprd", "dative", "acomp"})
_MODALS = frozenset({"may", "might", "could", "would", "should", "must", "shall", "will", "'ll", "wo", "ca"})
_CONDITIONS = frozenset({"if", "whether", "unless"})
_ABILITY = frozenset({"speak", "play", "swim", "drive", "cook", "read", "sing", "dance", "ride", "ski", "code", "knit"})
_PERSONS = frozenset({"i", "you", "we"})
_BARELY = frozenset({"almost", "nearly", "hardly", "barely"})
_DENYING = frozenset({"never", "nor", "neither", "not", "no", "nowhere"})
_NOT_DENYING = frozenset({"only", "sooner", ",", ";"})  # "Not only did she"; "No, did she?"
_YOUNG = frozenset({"kid", "child", "baby", "toddler", "boy", "girl", "teen", "teenager"})
_ONCE = frozenset({"previously", "formerly", "originally", "once", "earlier", "then"})
_AMOUNTS_WORDS = """
number variety range list series group lot host couple selection collection array pair trio plethora majority handful
dozen succession string set one some many several most member part
"""
_AMOUNTS = frozenset(_AMOUNTS_WORDS.split())
_STATES = frozenset({"live", "reside", "work", "study", "teach", "own", "rent", "stay", "play", "be"})
_EAGER = frozenset({"excited", "interested", "keen", "thrilled", "open", "nervous", "afraid", "scared"})
_CHAIN = frozenset({"ccomp", "xcomp", "conj", "pcomp", "prep"})
_DEEP = 5  # steps up a tree; deeper nesting is more often a slip of the parser than a sentence


def coordinated(token: Token) -> list[Token]:
    """The token and what "and" or "or" joins to it."""
    found = [token]
    for other in found:
        found += [
            child for child in other.children if child.dep_ == "conj" and child.pos_ != "VERB" and not excluded(child)
        ]
    return found


def list_head(token: Token) -> Token:
    """The first item of the list that a token is in; the parser takes some items for appositions."""
    while token.dep_ in {"conj", "appos"} and token.head.i != token.i:
        token = token.head
    return token


def excluded(noun: Token) -> bool:
    """ "in Austin, not Boston": the noun is what it was not."""
    return noun.i > 0 and noun.nbor(-1).lower_ == "not"


def subjects(verb: Token, depth: int = 0) -> tuple[list[Token], bool]:
    """Who does it, and whether they are rather who it is done to (passive); borrowed from above where the verb
    has none."""
    own = next((child for child in verb.children if child.dep_ in SUBJECTS), None)
    if own is None and any(child.dep_ == "expl" for child in verb.children):
        return [], False  # "we did well, but there was one old judge": nobody is the judge
    if own is not None:
        token = verb.head if own.tag_ in {"WDT", "WP"} and verb.dep_ == "relcl" else own
        return coordinated(token), own.dep_ == "nsubjpass"
    helped = [child for helper in verb.children if helper.dep_ == "auxpass" for child in helper.children]
    if any(child.dep_ in SUBJECTS for child in helped):  # "I got engaged", where "I" hangs on "got"
        return [child for child in helped if child.dep_ in SUBJECTS], True
    if verb.dep_ in {"acl", "relcl"}:
        return coordinated(verb.head), verb.tag_ == "VBN"
    governor = _governor(verb)
    if governor is None or depth > _DEEP:
        return [], False
    above, passive = subjects(governor, depth + 1)
    return above, _inherits_passive(verb, passive)


def _governor(verb: Token) -> Token | None:
    """The verb above whose subject this one shares."""
    if verb.dep_ in {"xcomp", "advcl", "conj"} and verb.head.pos_ in {"VERB", "AUX"}:
        return verb.head
    if verb.dep_ == "pcomp":
        above = verb.head.head
        return above if above.pos_ in {"VERB", "AUX"} else None
    return None


def _inherits_passive(verb: Token, passive: bool) -> bool:
    if verb.dep_ == "conj":
        return passive and verb.tag_ == "VBN"
    return verb.dep_ == "advcl" and verb.tag_ == "VBN"


def arguments(verb: Token) -> Iterator[tuple[str, Token]]:
    """Pairs of preposition (empty for a direct object) and noun that belong to a verb, a gap of a relative clause
    included."""
    own = list(_own_arguments(verb))
    yield from own
    if not any(not preposition for preposition, _ in own):
        yield from _shared_object(verb)
    if verb.dep_ == "relcl":
        yield from _gap(verb, own)


def _own_arguments(verb: Token) -> Iterator[tuple[str, Token]]:
    for child in verb.children:
        if _is_object(child):
            if child.tag_ not in {"WDT", "WP", "WRB"}:
                yield "", child
        elif child.dep_ in {"prep", "agent", "dative"}:
            yield from prepositional(child)


def _is_object(child: Token) -> bool:
    """Whether it is an object in form; the parser takes the language one speaks for an adverb."""
    language = child.dep_ == "advmod" and child.pos_ == "PROPN" and child.ent_type_ in {"NORP", "LANGUAGE"}
    return (child.dep_ in OBJECTS and child.pos_ != "ADP") or language


def prepositional(preposition: Token) -> Iterator[tuple[str, Token]]:
    """The nouns of a preposition, under the last word of a chain like "out of"."""
    for child in preposition.children:
        if child.dep_ == "pobj" and child.tag_ not in {"WDT", "WP"}:
            yield preposition.lower_, child
        elif child.dep_ == "prep":
            yield from prepositional(child)


def _shared_object(verb: Token) -> Iterator[tuple[str, Token]]:
    """ "founded and led Acme": the first verb has its object at the second."""
    if verb.lemma_ not in ACTIVE:
        return  # "he grows and finds peace": not every verb has an object
    for other in verb.children:
        if other.dep_ == "conj" and other.pos_ == "VERB" and other.i == verb.i + 2 and verb.tag_ == other.tag_:
            yield from (("", child) for child in other.children if child.dep_ == "dobj")


def _gap(verb: Token, own: list[tuple[str, Token]]) -> Iterator[tuple[str, Token]]:
    """The noun that a relative clause describes, where it is the clause's object: "the book that Anna wrote"."""
    subject = next((child for child in verb.children if child.dep_ in SUBJECTS), None)
    if subject is None or subject.tag_ in {"WDT", "WP"}:
        return
    if any(child.lower_ == "where" for child in verb.children):
        yield "in", verb.head
        return
    for child in verb.children:
        if child.dep_ == "prep" and all(grand.tag_ in {"WDT", "WP"} for grand in child.children):
            yield child.lower_, verb.head
            return
    if not any(not preposition for preposition, _ in own) and verb.lemma_ != "be":
        yield "", verb.head


def exemplifies(preposition: Token) -> bool:
    """Whether "as" is that of "such as"; "including" is always of the kind, "like" seldom."""
    around = [*preposition.children, *preposition.head.children]
    such = preposition.lower_ in {"as", "like"} and any(token.lower_ == "such" for token in around)
    return such or preposition.lower_ == "including"


def counted(noun: Token) -> Token:
    """Of "a number of singers" the singers; else the noun itself."""
    if noun.lemma_ not in _AMOUNTS:
        return noun
    things = (grand for child in noun.children if child.lower_ == "of" for grand in child.children)
    return next((thing for thing in things if thing.dep_ == "pobj"), noun)


def called(noun: Token) -> Iterator[Token]:
    """The names that follow a noun: "a dog named Max", "two cats, Luna and Miso"."""
    for child in noun.children:
        if child.dep_ == "acl" and child.lemma_ in {"name", "call"}:
            yield from (other for name in child.children if name.dep_ in OBJECTS for other in coordinated(name))
        elif child.dep_ == "appos" and child.i > noun.i + 1:
            yield from coordinated(child)


def particle(verb: Token) -> str:
    return next((child.lower_ for child in verb.children if child.dep_ == "prt"), "")


def negated(verb: Token) -> bool:
    return _fronted_negation(verb) or any(
        child.dep_ == "neg" or child.lower_ in {"never", "nobody", "neither"} | _BARELY or _no_longer(child)
        for child in verb.children
    )


def _fronted_negation(verb: Token) -> bool:
    """ "Never had Anna met Bob", "Nor did she", "At no time did she": the auxiliary stands before its subject."""
    subject = next((child.i for child in verb.lefts if child.dep_ in SUBJECTS), 0)
    helper = next((child.i for child in verb.lefts if child.dep_ == "aux" and child.i < subject), 0)
    front = [token.lower_ for token in verb.doc[max(sentence_start(verb), helper - 4) : helper]] if helper else []
    return not _DENYING.isdisjoint(front) and _NOT_DENYING.isdisjoint(front)


def _no_longer(child: Token) -> bool:
    return child.lower_ == "longer" and any(grand.lower_ == "no" for grand in child.children)


def polarity(verb: Token) -> Polarity:
    """Whether the sentence asserts the verb, or denies, supposes, reports or asks it."""
    if negated(verb):
        return "negated"
    node, moods = verb, set()
    for _ in range(_DEEP):
        moods |= _moods(node)
        if node.dep_ not in _CHAIN or node.head.i == node.i:
            break
        node = node.head
    order: tuple[Polarity, ...] = ("negated", "hypothetical", "reported")
    found = next((mood for mood in order if mood in moods), None)
    return found or ("questioned" if _asked(verb) else "affirmed")


def sentence_end(token: Token) -> int:
    """The index after the last token of the sentence. (`token.sent` reads the whole document each time.)"""
    i, doc = token.i + 1, token.doc
    while i < len(doc) and not doc[i].is_sent_start:
        i += 1
    return i


def sentence_start(token: Token) -> int:
    """The index of the first token of the sentence."""
    i, doc = token.i, token.doc
    while i > 0 and not doc[i].is_sent_start:
        i -= 1
    return i


def _asked(verb: Token) -> bool:
    i = sentence_end(verb) - 1
    while i > verb.i and verb.doc[i].is_space:
        i -= 1
    return bool(verb.doc[i].text.endswith("?"))


def _moods(node: Token) -> set[Polarity]:
    moods: set[Polarity] = set()
    helpers = {child.lower_ for child in node.children if child.dep_ in {"aux", "mark"}}
    if helpers & _MODALS - {"ca"} or helpers & _CONDITIONS or _merely_possible(node) or _inverted_condition(node):
        moods.add("hypothetical")
    if node.dep_ in {"ccomp", "xcomp"}:
        moods |= _governed_mood(node, node.head)
    if node.dep_ == "advcl" and any(child.tag_ == "TO" for child in node.children):
        moods.add("hypothetical")  # "join forces to create": the purpose, not what was done
    if node.dep_ == "pcomp":
        moods |= _prepositional_mood(node.head)
    return moods


def _inverted_condition(node: Token) -> bool:
    """ "Had she stayed in Turin, ...": an auxiliary before its subject, in a clause that hangs on another."""
    if node.dep_ not in {"advcl", "ccomp"}:
        return False
    subject = next((child.i for child in node.children if child.dep_ in SUBJECTS), 0)
    helpers = (child for child in node.lefts if child.dep_ in {"aux", "auxpass"})
    return any(child.i < subject and child.lower_ in {"had", "were", "should"} for child in helpers)


def _merely_possible(node: Token) -> bool:
    """ "you'd love it", "we can change the world"; but "I can speak Finnish" is a fact."""
    helpers = {child.lower_: child.tag_ for child in node.children if child.dep_ == "aux"}
    if "MD" in {helpers.get("'d"), helpers.get("\u2019d")}:
        return True
    personal = any(child.lower_ in _PERSONS for child in node.children if child.dep_ in SUBJECTS)
    return "can" in helpers and personal and node.lemma_ not in _ABILITY


def _prepositional_mood(preposition: Token) -> set[Polarity]:
    """ "instead of visiting", "thinking about moving", "looking forward to visiting", "excited about going"."""
    if preposition.lower_ == "without" or any(child.lower_ in {"instead", "rather"} for child in preposition.children):
        return {"negated"}
    above = preposition.head
    if above.lower_ in {"instead", "rather"}:
        return {"negated"}
    forward = above.lemma_ == "look" and any(child.lower_ == "forward" for child in above.children)
    wanted = above.lemma_ in THOUGHT or above.lower_ in _EAGER or above.lemma_ in {"plan", "idea", "dream"}
    return {"hypothetical"} if forward or wanted else set()


def _governed_mood(node: Token, above: Token) -> set[Polarity]:
    if above.lemma_ in ENDING or (node.dep_ == "xcomp" and negated(above)):
        return {"negated"}
    if above.lemma_ == "guess" and above.i < node.i and above.nbor().lower_ == "what":
        return set()  # "guess what, I got engaged"
    if above.lemma_ in THOUGHT or (node.dep_ == "xcomp" and above.lower_ in {"going", "gon", "gonna", "have"}):
        gerund = node.tag_ == "VBG" and above.lemma_ in {"like", "love", "prefer"}
        return set() if gerund else {"hypothetical"}
    return {"reported"} if node.dep_ == "ccomp" and above.lemma_ in SPEECH else set()


def is_death(verb: Token) -> bool:
    """ "died", "passed away"."""
    away = particle(verb) == "away" or any(child.lower_ == "away" for child in verb.children)
    return bool(verb.lemma_ == "die" or (verb.lemma_ == "pass" and away))


def formerly(verb: Token) -> bool:
    """ "used to live", "before that I lived", "when I was a kid": it was so and is over."""
    if verb.lower_ == "was" and any(child.dep_ == "attr" and child.lemma_ in _YOUNG for child in verb.children):
        return True
    if verb.tag_ == "VBD" and verb.lemma_ in _STATES and any(_once(child) for child in verb.children):
        return True
    return verb.dep_ == "xcomp" and verb.head.lower_ == "used" and verb.tag_ == "VB"


def _once(child: Token) -> bool:
    """ "before that", "previously", "back then"."""
    if child.dep_ == "prep" and child.lower_ in {"before", "prior"}:
        return any(grand.lower_ in {"that", "this", "then"} for grand in child.subtree)
    return child.dep_ == "advmod" and child.lower_ in _ONCE


def phrase(noun: Token, most: int = 12) -> str:
    """The noun with its modifiers and "of" complements, without article and possessor; at most `most` words."""
    start, end = noun.left_edge.i, noun.i + 1
    for child in noun.children:
        if child.i > noun.i and child.i == end and child.dep_ in {"prep", "nummod"} and child.lower_ in {"of", "for"}:
            end = child.right_edge.i + 1
    words = [noun.doc[i] for i in range(start, end)]
    while words and (words[0].dep_ in {"det", "poss", "case", "cc", "punct", "predet"} or words[0].is_space):
        words.pop(0)
    words = words[: max(most, 1)] if end > noun.i + 1 else words[-most:]
    return text_of(noun.doc)[words[0].idx : words[-1].idx + len(words[-1])] if words else ""


def clause(verb: Token, most: int = 14) -> str:
    """The words of a subordinate clause, from its verb on, without "to"; at most `most`."""
    words = [noun for noun in verb.subtree if noun.i >= verb.i][:most]
    end = words[0].i
    while end + 1 <= words[-1].i and not verb.doc[end + 1].is_space:
        end += 1
    span = verb.doc[words[0].i : end + 1]
    return str(span.text).rstrip(" .,;:!?")
