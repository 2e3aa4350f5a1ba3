"""Streets, communities and villages named in words: an address without a position still says whose it is.

`Gazetteer.find` is pure. It knows the names of the pack's places, with the suffixes that people use and without them,
and would rather leave a place open than guess one: of a name that several places have, only a street named beside it
decides.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field

from shaodao.foundation import district
from shaodao.places.models import Place

STREET, COMMUNITY, VILLAGE = Place.Level.STREET, Place.Level.COMMUNITY, Place.Level.VILLAGE
# What stands after the stem in a pack's name (taken off, the longest first), and what people write after it.
SUFFIXES = {
    STREET: ("街道办事处", "街道办", "街道", "镇", "乡"),
    COMMUNITY: ("社区居民委员会", "社区居委会", "居民委员会", "居委会", "社区"),
    VILLAGE: ("村民委员会", "村委会", "村"),
}
WRITTEN = {
    STREET: ("街道办事处", "街道办", "街道", "街办", "办事处"),
    COMMUNITY: ("社区居民委员会", "社区居委会", "居民委员会", "居委会", "社区"),
    VILLAGE: ("村民委员会", "村委会", "村"),
}
HAN = re.compile(r"[\u3400-\u9fff]")
NUMBERS, SPACES = re.compile(r"(?<=\d)\s+(?=\d)"), re.compile(r"\s+")
ROAD = re.compile(r"[路街巷道]$")  # a stem that is a road's name means the road when it stands alone
ALONG = re.compile(
    r"[路两边旁上面]|中间|[东西南北]侧"
)  # 新华街道路, 新华街道两侧: the road 新华街, not the street 新华街道
BEFORE = "区县市省道镇乡办处会村在住到于至和与及"  # what may stand before a name without its suffix
AFTER = re.compile(
    r"$|[^\u3400-\u9fff]|小区|片区|辖区|家属院|附近|门口|对面|[一二三四五六七八九十百]+[号期区组楼栋幢院]|[东西南北]区"
)


@dataclass(frozen=True)
class Named:
    """A place with a name: `parent` is the id of a community's or village's street."""

    id: int
    name: str
    level: str
    parent: int | None = None


@dataclass(frozen=True)
class Found:
    """What the words say: ids of a street and of a community or village in it, or None."""

    street: int | None = None
    community: int | None = None

    def __bool__(self) -> bool:
        return self.street is not None


@dataclass(frozen=True)
class Mention:
    """A name at `start` to `end` of the plain text, with the places it may mean; `full`: with its suffix."""

    start: int
    end: int
    places: tuple[Named, ...]
    full: bool


def plain(text: str) -> str:
    """Text as names are compared: full-width letters and digits as ordinary ones, small letters, and no spaces but
    those that keep two numbers apart."""
    return SPACES.sub("", NUMBERS.sub("|", unicodedata.normalize("NFKC", text))).lower()


def stem_of(name: str, level: str) -> str:
    """A place's name without the word for what it is; the whole name where nothing would be left."""
    for suffix in SUFFIXES[Place.Level(level)]:
        if name.endswith(suffix) and len(name) > len(suffix):
            return name.removesuffix(suffix)
    return name


@dataclass
class Gazetteer:
    """The names of a district."""

    places: Iterable[Named] = ()
    names: dict[str, dict[bool, list[Named]]] = field(init=False, default_factory=dict)
    longest: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        for place in self.places:
            name = plain(place.name)
            stem = stem_of(name, place.level)
            for written in {name, *(stem + suffix for suffix in WRITTEN[Place.Level(place.level)])}:
                self._know(written, place, full=True)
            if len(stem) >= 2 and not ROAD.search(stem) and stem != name:
                self._know(stem, place, full=False)
        self.longest = max(map(len, self.names), default=0)

    def _know(self, written: str, place: Named, *, full: bool) -> None:
        self.names.setdefault(written, {}).setdefault(full, []).append(place)

    def find(self, text: str, *, full: bool = False) -> Found:
        """The street and the community that a text names; `full`: only by names that carry their suffix.

        The longest name wins where names overlap. A community that several streets have, or several communities at
        once, leave the community open; the street too, unless it is the same for all. A community that lies in
        another street than the one named beside it contradicts it: nothing is found.
        """
        mentions = self.mentions(text)
        strong = _resolve([m for m in mentions if m.full], None)
        if strong is None:
            return Found()
        if strong.community is not None or full:
            return strong
        weak = [m for m in mentions if not m.full]
        return _resolve(weak, strong.street) or strong

    def mentions(self, text: str) -> list[Mention]:
        """The names in a text, in its order; they do not overlap."""
        text = plain(text)
        chosen: list[Mention] = []
        taken = bytearray(len(text))
        found = sorted(self._all(text), key=lambda m: (not m.full, m.start - m.end, m.start))
        ends: set[int] = set()
        for mention in found:
            free = not any(taken[mention.start : mention.end])
            if free and (mention.full or _stands_alone(text, mention, ends)):
                taken[mention.start : mention.end] = b"\1" * (mention.end - mention.start)
                ends.add(mention.end)
                chosen.append(mention)
        return sorted(chosen, key=lambda m: m.start)

    def _all(self, text: str) -> Iterable[Mention]:
        for start in range(len(text)):
            for end in range(start + 2, min(len(text), start + self.longest) + 1):
                for full, places in self.names.get(text[start:end], {}).items():
                    if _whole(text, start, end, full=full, streets=all(p.level == STREET for p in places)):
                        yield Mention(start, end, tuple(places), full)


def _whole(text: str, start: int, end: int, *, full: bool, streets: bool) -> bool:
    """Is it this name, and not a piece of a longer number, of another name, or of a road's?"""
    before, after = text[start - 1 : start], text[end : end + 1]
    if (before.isdigit() and text[start].isdigit()) or (after.isdigit() and text[end - 1].isdigit()):
        return False
    if not full:
        return True  # judged by its neighbours in `_stands_alone`
    if streets and text[:end].endswith("街道") and ALONG.match(text, end):
        return False
    return end - start > 2 or not before or before in BEFORE or not HAN.match(before)


def _stands_alone(text: str, mention: Mention, ends: set[int]) -> bool:
    """A name without its suffix counts only where nothing makes a longer word of it: 康吉3号楼, not 康吉路, 新华书店."""
    before = text[mention.start - 1 : mention.start]
    led = not before or before in BEFORE or not HAN.match(before) or mention.start in ends
    return led and bool(AFTER.match(text, mention.end))


def _resolve(mentions: list[Mention], street: int | None) -> Found | None:
    """What mentions say together, within `street` where that is known; None: they contradict each other."""
    streets = {m.places[0].id for m in mentions if len(m.places) == 1 and m.places[0].level == STREET}
    within = {street} if street is not None else streets
    candidates: list[list[Named]] = []
    for mention in mentions:
        lower = [p for p in mention.places if p.level != STREET]
        if not lower:
            continue
        fitting = [p for p in lower if p.parent in within] if within else lower
        if len(lower) < len(mention.places) and not within:
            continue  # a street or a village: nothing says which
        if not fitting and street is None:
            return None
        if fitting:
            candidates.append(fitting)
    if street is not None and streets - {street}:
        candidates = []  # a bare name of another street beside it: too little to go on
    chosen = {p.id: p for fitting in candidates for p in fitting}
    if len(chosen) == 1 and all(len(c) == 1 for c in candidates):
        place = next(iter(chosen.values()))
        return Found(place.parent, place.id)
    parents = {p.parent for p in chosen.values()}
    if len(parents) == 1:
        return Found(parents.pop())
    return Found(next(iter(within))) if len(within) == 1 else Found()


_kept: tuple[district.Current, Gazetteer] | None = None


def current() -> Gazetteer:
    """The gazetteer of this installation: one query, kept in the process as long as the district's settings are."""
    global _kept  # noqa: PLW0603
    here = district.current()
    if _kept and _kept[0] is here and here is not district.EMPTY:
        return _kept[1]
    rows = Place.objects.filter(active=True, level__in=SUFFIXES).values_list("id", "name", "level", "parent_id")
    found = Gazetteer([Named(*row) for row in rows])
    _kept = (here, found)
    return found


def read(address: str, text: str = "") -> Found:
    """The place that an address names; where it names none, the one that a longer text names in full."""
    known = current()
    return known.find(address) or known.find(text, full=True)
