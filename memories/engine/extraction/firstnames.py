"""Common first names and what they say of gender, for pronouns. A name that is in neither list agrees with both."""

from __future__ import annotations

from typing import Literal

Gender = Literal["f", "m"]

_FEMALE = """
aaliyah abby abigail ada adele adriana agnes aisha alana alexandra alexis alice alicia alina alison allison alyssa
amanda amber amelia amy ana anastasia andrea angela angelica angelina anita ann anna anne annette annie antonia
april ariana ashley astrid audrey ava barbara beatrice becky bella beth bethany betty beverly bianca bonnie brenda
bridget brittany brooke camila carla carmen carol caroline carolyn carrie catherine cathy cecilia charlotte chelsea
cheryl chloe christina christine cindy claire clara claudia colleen connie courtney crystal cynthia daisy dana
daniela danielle dawn deborah debra delia denise diana diane donna dora doris dorothy edith eileen elaine eleanor
elena elisa elisabeth elise eliza elizabeth ella ellen elsa emilia emily emma erica erin esther eva evelyn fatima
felicia fiona florence frances gabriela gabrielle gemma georgia gina ginny gloria grace greta gwen hailey hannah
harriet hazel heather heidi helen helena hilary holly ida ingrid irene iris isabel isabella ivy jacqueline jane
janet janice jasmine jean jeanne jennifer jenny jessica jill joan joanna jocelyn jodie josephine joy joyce juanita
judith judy julia juliana julie juliet karen karin kate katherine kathleen kathryn kathy katie kayla kelly kendra
kimberly kristen kristin kristina lara laura lauren leah lena leslie lilian lily linda lisa lois lola loretta louise
lucia lucy luisa lydia lynn mabel madeline madison maggie maria marianne marie marilyn marina marion marjorie
marlene martha mary matilda maureen maya megan melanie melinda melissa mercedes mia michelle mildred miranda miriam
molly monica nadia nancy naomi natalia natalie natasha nicole nina nora norma olga olive olivia paige pamela
patricia patty paula pauline peggy penny petra phoebe phyllis priscilla priya rachel rebecca regina renee rita
roberta rosa rosalind rose rosemary roxanne ruby ruth sabrina sally samantha sandra sara sarah savannah selena
shannon sharon sheila shelly sherry shirley sierra silvia simone sofia sonia sophia sophie stacy stella stephanie
sue susan susanna suzanne sylvia tamara tanya tara teresa tessa theresa tiffany tina tracy ursula valerie vanessa
vera veronica vicky victoria viola violet virginia vivian wanda wendy yasmin yolanda yvonne zoe
"""
_MALE = """
aaron abdul abraham adam adrian ahmed alan albert alejandro alexander alfred ali allan allen alvin anders andre
andreas andrew andy angelo anthony antonio archie armando arnold arthur arturo axel barry bart ben benedict benjamin
bernard bill billy bob bobby boris brad bradley brandon brendan brent brett brian bruce bruno bryan calvin carl
carlos cedric cesar charles charlie chester chris christian christopher clarence clark claude clifford clint clyde
colin connor conrad craig curtis cyril damian dan daniel danny darren dave david dean dennis derek diego dirk dmitri
dominic don donald doug douglas duncan dustin dwight dylan earl ed eddie edgar edmund eduardo edward edwin eli elias
elijah elliott elmer emilio emmanuel enrique eric erik ernest ethan eugene evan felipe felix ferdinand fernando finn
floyd francis francisco franco frank franklin fred frederick friedrich gabriel garrett gary gavin gene geoffrey
george gerald gerard gilbert giovanni giuseppe glenn gordon graham greg gregory guido gustav guy hans harold harry
harvey hassan hector heinrich henri henry herbert herman homer howard hugh hugo ian ibrahim igor isaac ivan jack
jacob jacques jake james jan jared jason javier jay jeff jeffrey jeremy jerome jerry jesse jim jimmy joe joel johann
johannes john johnny jon jonathan jorge jose joseph josh joshua juan julian julio julius justin karl keith ken
kenneth kevin klaus kurt kyle lance larry lars laurence lawrence leo leon leonard leonardo leopold leroy lester
lewis liam lloyd logan lorenzo louis lucas luigi luis luke manuel marc marcel marco marcus mario mark martin marvin
mason mathias matt matthew maurice max maximilian melvin michael miguel mike milton mitchell mohammed morris
muhammad nathan nathaniel neil nelson nicholas nick nicolas nigel nikolai noah norman oleg oliver omar oscar oswald
otto owen pablo patrick paul pedro perry pete peter phil philip pierre rafael ralph ramon randall randy raul ray
raymond reginald rene ricardo richard rick robert roberto rodney roger roland roman ronald ronnie ross roy rudolf
rupert russell ryan salvador sam samuel santiago scott sean sebastian sergei sergio seth shane shaun sidney simon
stanley stefan stephen steve steven stewart stuart sven ted terrence theo theodore thomas tim timothy todd tom tommy
tony travis trevor tyler vernon viktor vincent vladimir wallace walter warren wayne wesley wilhelm william winston
wolfgang xavier yusuf zachary
"""
_GENDER: dict[str, Gender] = {**dict.fromkeys(_MALE.split(), "m"), **dict.fromkeys(_FEMALE.split(), "f")}
_TITLES: dict[str, Gender] = {
    "mr": "m", "sir": "m", "lord": "m", "king": "m", "prince": "m", "father": "m", "brother": "m",
    "mrs": "f", "ms": "f", "miss": "f", "lady": "f", "queen": "f", "princess": "f", "dame": "f", "sister": "f",
}  # fmt: skip


def gender_of(name: str) -> Gender | None:
    """The gender that a person's title or first name suggests, or None."""
    words = name.lower().replace(".", " ").split()
    if not words:
        return None
    return _TITLES.get(words[0]) or _GENDER.get(words[0])


def is_first_name(word: str) -> bool:
    return word.lower() in _GENDER
