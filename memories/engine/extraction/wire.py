"""What opens a report of a news agency: "HALIFAX, Canada (AP)", "Lima Radio Andina in Spanish 1800 GMT 3 Mar 97".

Such lines have no grammar, and all their words have capitals, so the parser runs the town and the station together, and
both with the code or the headline before them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from memories.engine.extraction.names import Name, located

if TYPE_CHECKING:
    from spacy.tokens import Doc

_CAPITALS = """
Abidjan;Abu Dhabi;Abuja;Accra;Addis Ababa;Algiers;Amman;Amsterdam;Ankara;Antananarivo;Apia;Ashgabat;Asmara;Astana;
Asuncion;Athens;Baghdad;Baku;Bamako;Bangkok;Bangui;Banjul;Beijing;Beirut;Belgrade;Belmopan;Berlin;Bern;Bishkek;Bissau;
Bogota;Bonn;Brasilia;Bratislava;Brazzaville;Bridgetown;Brussels;Bucharest;Budapest;Buenos Aires;Bujumbura;Cairo;
Canberra;Cape Town;Caracas;Chisinau;Colombo;Conakry;Copenhagen;Dakar;Damascus;Dhaka;Djibouti;Dodoma;Doha;Dublin;
Dushanbe;Freetown;Gaborone;Geneva;Georgetown;Guatemala City;Hanoi;Harare;Havana;Helsinki;Hong Kong;Islamabad;Jakarta;
Jerusalem;Kabul;Kampala;Kathmandu;Khartoum;Kiev;Kigali;Kingston;Kinshasa;Kuala Lumpur;Kuwait;Kyiv;La Paz;Lagos;
Libreville;Lilongwe;Lima;Lisbon;Ljubljana;Lome;London;Luanda;Lusaka;Luxembourg;Madrid;Male;Managua;Manama;Manila;
Maputo;Maseru;Mexico City;Minsk;Mogadishu;Monrovia;Montevideo;Moscow;Muscat;Nairobi;Nassau;Ndjamena;New Delhi;Niamey;
Nicosia;Nouakchott;Oslo;Ottawa;Ouagadougou;Panama City;Paramaribo;Paris;Phnom Penh;Podgorica;Port Louis;Port Moresby;
Port-au-Prince;Prague;Praia;Pretoria;Pristina;Pyongyang;Quito;Rabat;Rangoon;Reykjavik;Riga;Riyadh;Rome;San Jose;
San Salvador;Sanaa;Santiago;Santo Domingo;Sao Paulo;Sarajevo;Seoul;Singapore;Skopje;Sofia;Stockholm;Suva;Taipei;
Tallinn;Tashkent;Tbilisi;Tegucigalpa;Tehran;Tel Aviv;Tirana;Tokyo;Tripoli;Tunis;Ulaanbaatar;Vaduz;Valletta;Victoria;
Vienna;Vientiane;Vilnius;Warsaw;Washington;Wellington;Windhoek;Yangon;Yaounde;Yerevan;Zagreb
"""
CAPITALS = frozenset(_CAPITALS.replace("\n", "").strip().split(";"))
_WORD = r"[A-Z][\w'\u2019.-]*"
_DATE = r"\d{1,2} [A-Z][a-z]{2,8}\.? \d{2,4}\b"
_LINE = re.compile(
    r"^(?:(?P<headline>[^\n]*?) ?\b(?P<code>[A-Z]{2}\d{8,}|\d{2}[A-Z]{2}\w{4,})[ ])?"
    rf"(?P<names>{_WORD}(?: (?:{_WORD}|de|do|da|del)){{1,8}}?)"
    rf"(?P<rest> in [A-Z][\w-]+ (?:[^\n.]{{0,20}} )?{_DATE}|(?: {_DATE}[^\n]*)?$)",
    re.M,
)
_DATELINE = re.compile(r"^(?P<town>[A-Z][A-Z .'-]{1,40}[A-Z])(?:, [A-Z][\w. ]{2,20})? \([A-Z]{2,8}\)", re.M)
_STATION = re.compile(r"(?:radio\w*|television|tv|network|channel|voice|voz|canal)", re.I)


@dataclass(frozen=True, slots=True)
class Line:
    """Offsets in the window. Between `start` and `end` only `town` and `medium` are names, and before them, in a
    headline up to `start`, a row of capitals is none."""

    headline: int
    start: int
    end: int
    town: tuple[int, int]
    medium: tuple[int, int] | None


def lines(text: str) -> list[Line]:
    """The lines of a text that say where it comes from, in order."""
    found = [line for match in _LINE.finditer(text) if (line := _line(match))]
    found += [
        Line(match.start(), match.start(), match.end("town"), match.span("town"), None)
        for match in _DATELINE.finditer(text)
    ]
    return found


def _line(match: re.Match[str]) -> Line | None:
    joint = _joint(match["names"], coded=bool(match["code"]), told=match["rest"].startswith(" in "))
    if joint is None:
        return None
    start, end = match.span("names")
    medium = (start + joint + 1, end)
    begin = match.start("code") if match["code"] else start
    return Line(match.start(), begin, match.end(), (start, start + joint), medium)


def _joint(names: str, *, coded: bool, told: bool) -> int | None:
    """Where the town ends; None where the line may be about something else ("Anna Smith in Paris 3 May 2021"). Only
    after a code, or before a word for a station, need the town be no capital, if the language is told."""
    town = next((town for m in re.finditer(" ", names) if (town := names[: m.start()]) in CAPITALS), None)
    rest = names[len(town) + 1 :] if town else ""
    if town and ((coded and told) or _STATION.search(rest) or (rest.isupper() and len(rest) > 2)):
        return len(town)
    if not told or not (coded or _STATION.search(names)):
        return None
    words = list(re.finditer(r"(?<= )\S+", names))
    for word in words:
        if word[0].isupper() or (_STATION.fullmatch(word[0]) and word is not words[-1]):
            return word.start() - 1
    return names.index(" ")


def sources(doc: Doc, found: Sequence[Line]) -> Iterator[Name | None]:
    """The towns and the stations or papers of such lines."""
    for line in found:
        yield located(doc, *line.town, "location", 1)
        if line.medium:
            yield located(doc, *line.medium, "organization", 1)


def belied(name: Name, found: Sequence[Line]) -> bool:
    """Whether what looks like a name is only the form of such a line."""
    for line in found if name.rank > 0 else ():
        if name.start < line.end and name.end > line.start:
            return (name.start, name.end) not in {line.town, line.medium}
        if line.headline <= name.start < line.start and (name.rank == 3 or name.last - name.first > 3):
            return True
    return False
