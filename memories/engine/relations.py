"""The relation types that every project begins with."""

from __future__ import annotations

from dataclasses import dataclass

from memories.engine.types import RelationRule


@dataclass(frozen=True, slots=True)
class BuiltIn:
    """A relation type that the local extractor knows, with the sentence that explains it."""

    rule: RelationRule
    description: str


# name [functional] [symmetric]: description. Pairs are given where the words leave no
# doubt; a text in the place of an object fits any.
_TABLE = """
works_for functional: is employed by, or works at
role: what somebody does or is appointed to
works_in: the place or field of somebody's work
works_on: the project, task or thing that somebody works on
lives_in functional: where somebody has their home
grew_up_in: where somebody was a child
born_in functional: where somebody was born
died_in functional: where somebody died
located_in: where something lies
from: where somebody or something comes from
nationality: the people that somebody belongs to
born_at functional: when somebody was born
died_at functional: when somebody died
founded_at functional: when something was founded
released_at: when something came out
published_at: when something was printed
opened_at: when something opened
launched_at: when something began
graduated_at: when somebody finished school or university
retired_at: when somebody retired
married_at: when somebody married
built_at: when something was built
completed_at: when something was finished
educated_at: the school or university that somebody went to
studies: what somebody learns
student_of: whose pupil somebody was
teacher_of: whom somebody taught
teaches: what or whom somebody teaches
founded: started an organization or a place
owns: has as property
acquired: took over, of organizations
bought: paid for
created: made, wrote, designed or invented
directed: led the making of
produced: paid for or made
published: brought out in print
released: brought out
part_of: belongs to something larger
includes: has as a part
type_of: is a kind of
is_a: what somebody or something is
is: a property, or the same under another name
member_of: belongs to a group, team or band
joined: became part of
left: is no longer with or at
signed_with: has a contract with
affiliated_with: has to do with an organization
married_to functional symmetric: husband or wife of
divorced_from symmetric: was married to
partner_of symmetric: lives or works together with
parent_of: mother or father of
child_of: son or daughter of
sibling_of symmetric: brother or sister of
relative_of symmetric: of the same family
friend_of symmetric: is friends with
colleague_of symmetric: works or shares a home with
boss_of: whom somebody works under
neighbor_of symmetric: lives next to
pet_of: whose animal it is
knows: is acquainted with
met: saw for the first time or by appointment
leads: is at the head of
supports: is for
enemy_of symmetric: is against
successor_of: came after, in an office
predecessor_of: came before, in an office
capital_of: the town that governs a country or region
home_of: where it belongs
likes: takes pleasure in
dislikes: takes no pleasure in
uses: works with, of tools and technology
speaks: can talk in a language
plans: means to do
wants: would like
visited: went to see
attended: was at an event
participated_in: took part in
performed_with: was on stage with
plays: an instrument, a game, a part
won: came first in, or was given
received: was given
influenced: had an effect on
influenced_by: took from
named_after: has the name of
known_as: has also the name
known_for: is remembered because of
said: what somebody stated
has: what somebody has got
related_to: has to do with; the text does not say how
mentioned_with: is named beside; the text does not connect them
"""


def _built_in(line: str) -> BuiltIn:
    head, _, description = line.partition(": ")
    name, *flags = head.split()
    return BuiltIn(RelationRule(name, "functional" in flags, "symmetric" in flags), description)


RELATIONS = {relation.rule.name: relation for relation in map(_built_in, _TABLE.strip().splitlines())}
TOGETHER, HINT = "mentioned_with", 0.3  # names side by side: a hint, and the confidence that marks it as one
HINTS = frozenset({"related_to", TOGETHER})  # what is said where nothing better is known
