"""How large a place of a name is: what people say they live in is a town, a region, a country or a continent."""

from __future__ import annotations

_REGIONS = """
alabama; alaska; alberta; andalusia; arizona; arkansas; bavaria; british columbia; brittany; california; catalonia;
colorado; connecticut; delaware; england; florida; hawaii; idaho; illinois; indiana; iowa; kansas; kentucky;
louisiana; maine; maryland; massachusetts; michigan; minnesota; mississippi; missouri; montana; nebraska; nevada;
new hampshire; new jersey; new mexico; new south wales; normandy; north carolina; northern ireland; ohio; oklahoma;
ontario; oregon; pennsylvania; quebec; queensland; rhode island; scotland; sicily; south carolina; tennessee; texas;
tuscany; utah; vermont; victoria; virginia; wales; wisconsin; wyoming
"""
_COUNTRIES = """
afghanistan; albania; algeria; andorra; angola; argentina; armenia; australia; austria; azerbaijan; bahamas;
bahrain; bangladesh; barbados; belarus; belgium; belize; benin; bhutan; bolivia; bosnia and herzegovina; botswana;
brazil; brunei; bulgaria; burkina faso; burundi; cambodia; cameroon; canada; cape verde; chad; chile; china;
colombia; congo; costa rica; croatia; cuba; cyprus; czech republic; czechia; denmark; djibouti; dominica; dominican
republic; east timor; ecuador; egypt; el salvador; eritrea; estonia; eswatini; ethiopia; fiji; finland; france;
gabon; gambia; georgia; germany; ghana; great britain; greece; grenada; guatemala; guinea; guyana; haiti; holland;
honduras; hungary; iceland; india; indonesia; iran; iraq; ireland; israel; italy; ivory coast; jamaica; japan;
jordan; kazakhstan; kenya; kosovo; kuwait; kyrgyzstan; laos; latvia; lebanon; lesotho; liberia; libya;
liechtenstein; lithuania; madagascar; malawi; malaysia; maldives; mali; malta; mauritania; mauritius; mexico;
moldova; mongolia; montenegro; morocco; mozambique; myanmar; namibia; nepal; netherlands; new zealand; nicaragua;
niger; nigeria; north korea; north macedonia; norway; oman; pakistan; palestine; panama; papua new guinea; paraguay;
peru; philippines; poland; portugal; puerto rico; qatar; romania; russia; rwanda; samoa; saudi arabia; senegal;
serbia; seychelles; sierra leone; slovakia; slovenia; somalia; south africa; south korea; south sudan; spain; sri
lanka; sudan; suriname; sweden; switzerland; syria; taiwan; tajikistan; tanzania; thailand; togo; tonga; tunisia;
turkey; turkmenistan; uganda; uk; ukraine; united arab emirates; united kingdom; united states; united states of
america; uruguay; us; usa; uzbekistan; venezuela; vietnam; yemen; zambia; zimbabwe
"""
_CONTINENTS = """
africa; asia; eu; europe; european union; latin america; middle east; north america; scandinavia; south america
"""
_LEVELS = {
    name: level
    for level, names in enumerate((_REGIONS, _COUNTRIES, _CONTINENTS), 1)
    for name in " ".join(names.split()).split("; ")
}


def level(name: str) -> int:
    """0 for a town or what is not known, 1 a region, 2 a country, 3 a continent. `Georgia` is taken for the country."""
    return _LEVELS.get(" ".join(name.casefold().replace(".", "").split()).removeprefix("the "), 0)
