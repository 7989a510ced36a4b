"""Words for those who are from a country, where the facts name the country only: *which Spanish players*."""

import re
from collections.abc import Iterator, Sequence

from kb.linking import LinkedEntity, Mention
from kb.view import KnowledgeView

SCORE = 0.75
"""How likely such a word means the country."""
LINKED = 0.5
"""A word that is as likely the name of something else means that."""
_COUNTRIES = """
Afghan: Afghanistan; Albanian: Albania; Algerian: Algeria
American: United States, USA, US, United States of America, U.S., U.S.A.; Angolan: Angola
Argentine, Argentinian: Argentina; Armenian: Armenia; Australian: Australia; Austrian: Austria
Azerbaijani: Azerbaijan; Bangladeshi: Bangladesh; Belarusian: Belarus; Belgian: Belgium; Bolivian: Bolivia
Bosnian: Bosnia and Herzegovina, Bosnia; Brazilian: Brazil; British: United Kingdom, UK, U.K., Great Britain, Britain
Bulgarian: Bulgaria; Cambodian: Cambodia; Cameroonian: Cameroon; Canadian: Canada; Chilean: Chile
Chinese: China, People's Republic of China, PRC; Colombian: Colombia
Congolese: Congo, DR Congo, Democratic Republic of the Congo; Costa Rican: Costa Rica; Croatian, Croat: Croatia
Cuban: Cuba; Cypriot: Cyprus; Czech: Czech Republic, Czechia; Danish, Dane: Denmark; Dominican: Dominican Republic
Dutch: Netherlands, The Netherlands, Holland; Ecuadorian: Ecuador; Egyptian: Egypt; English: England
Estonian: Estonia; Ethiopian: Ethiopia; Finnish, Finn: Finland; French: France; Georgian: Georgia; German: Germany
Ghanaian: Ghana; Greek: Greece; Guatemalan: Guatemala; Haitian: Haiti; Honduran: Honduras; Hungarian: Hungary
Icelandic, Icelander: Iceland; Indian: India; Indonesian: Indonesia; Iranian, Persian: Iran; Iraqi: Iraq
Irish: Ireland, Republic of Ireland; Israeli: Israel; Italian: Italy; Ivorian: Ivory Coast, Côte d'Ivoire
Jamaican: Jamaica; Japanese: Japan; Jordanian: Jordan; Kazakh: Kazakhstan; Kenyan: Kenya
Korean: South Korea, Korea, Republic of Korea; Kuwaiti: Kuwait; Latvian: Latvia; Lebanese: Lebanon; Libyan: Libya
Lithuanian: Lithuania; Luxembourgish: Luxembourg; Macedonian: North Macedonia, Macedonia; Malagasy: Madagascar
Malaysian: Malaysia; Malian: Mali; Maltese: Malta; Mexican: Mexico; Moldovan: Moldova; Mongolian: Mongolia
Montenegrin: Montenegro; Moroccan: Morocco; Mozambican: Mozambique; Namibian: Namibia; Nepalese, Nepali: Nepal
New Zealander: New Zealand; Nicaraguan: Nicaragua; Nigerian: Nigeria; North Korean: North Korea; Norwegian: Norway
Omani: Oman; Pakistani: Pakistan; Palestinian: Palestine; Panamanian: Panama; Paraguayan: Paraguay; Peruvian: Peru
Filipino, Philippine: Philippines, The Philippines; Polish, Pole: Poland; Portuguese: Portugal; Qatari: Qatar
Romanian: Romania; Russian: Russia, Russian Federation; Rwandan: Rwanda; Salvadoran: El Salvador
Saudi Arabian, Saudi: Saudi Arabia; Scottish, Scot: Scotland; Senegalese: Senegal; Serbian, Serb: Serbia
Singaporean: Singapore; Slovak, Slovakian: Slovakia; Slovenian, Slovene: Slovenia; Somali: Somalia
South African: South Africa; South Korean: South Korea; Spanish, Spaniard: Spain; Sri Lankan: Sri Lanka
Sudanese: Sudan; Swedish, Swede: Sweden; Swiss: Switzerland; Syrian: Syria; Taiwanese: Taiwan; Tanzanian: Tanzania
Thai: Thailand; Tunisian: Tunisia; Turkish, Turk: Turkey, Türkiye; Ugandan: Uganda; Ukrainian: Ukraine
Uruguayan: Uruguay; Uzbek: Uzbekistan; Venezuelan: Venezuela; Vietnamese: Vietnam, Viet Nam; Welsh: Wales
Yemeni: Yemen; Zambian: Zambia; Zimbabwean: Zimbabwe
"""
"""Words, and what their country is called."""


def _read(table: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    for entry in re.split("[;\n]", table.strip()):
        words, countries = entry.split(":")
        for word in words.split(","):
            yield word.strip().lower(), tuple(country.strip() for country in countries.split(","))


_CALLED = dict(_read(_COUNTRIES))
_OTHERWISE_IN_SMALL = ("polish", "pole", "turk", "dane", "finn", "scot", "thai", "georgian")
"""Words that mean no country unless they have a capital."""
_WORD = re.compile(
    r"(?<!\w)(?<!\bin )(?<!\binto )(?<!speak )(?<!speaks )(?<!spoke )(?<!study )(?<!learn )"
    rf"(?:{'|'.join(sorted(_CALLED, key=len, reverse=True))})(?=s?(?!\w))(?! (?:language|speak))",
    re.IGNORECASE,
)


def demonyms_in(text: str, view: KnowledgeView, mentions: Sequence[Mention]) -> list[Mention]:
    """The words of a question that mean a country's, each with the country, where the KB has that and no such name."""
    found = []
    for match in _WORD.finditer(text):
        start, end = match.span()
        named = (one for one in mentions if one.score >= LINKED and one.start < end and start < one.end)
        if match[0] in _OTHERWISE_IN_SMALL or any(named):
            continue
        countries = _CALLED[match[0].lower()]
        places = dict.fromkeys(place for name in countries for place in view.entities_named(name).tolist())
        if places:
            entities = tuple(LinkedEntity(place, SCORE) for place in places)
            found.append(Mention(match[0].title(), start, end, entities, typo=False))  # a name, not a class of things
    return found
