"""A feed from a URL or a folder: every file that can be read, and a finding for each that cannot."""

import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from django.utils.translation import get_language, override
from django.utils.translation import gettext as _

from shaodao.bikes.gbfs import fetching, versions
from shaodao.bikes.gbfs.feed import Feed, File, family_of, listing, mapping
from shaodao.bikes.gbfs.findings import Finding, error, shown, warning
from shaodao.bikes.gbfs.parsing import parse, pointer

WORKERS = 6
TIMEOUT_S = 20.0
NEEDED = ("system_information", "station_information", "station_status", *versions.VEHICLE_FILES)
"""Files whose absence is an error as soon as gbfs.json lists them; "OPTIONAL files MAY 404" (File Distribution)."""
FILE_NAME = re.compile(rf"(?:.*[^a-z])?({'|'.join(sorted(versions.file_names(), key=len, reverse=True))})\.json", re.I)


@dataclass(frozen=True)
class Line:
    """One line of gbfs.json: a file's name, its address, the language (before 3.0), the line's JSON pointer."""

    name: str
    url: str
    language: str
    path: str


@dataclass
class Reading:
    """What was read: the feeds (one per language; one in all since 3.0), every file once, and what went wrong."""

    feeds: list[Feed] = field(default_factory=list)
    files: list[File] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    @property
    def family(self) -> str:
        """The version whose rules hold; "" if nothing could be read."""
        return self.feeds[0].family if self.feeds else ""

    def parsed(self, name: str, label: str, content: bytes) -> File | None:
        """Parse a file's content and note it and what is wrong with it."""
        document, faults = parse(content, label)
        self.findings += faults
        if document is None:
            return None
        self.files.append(File(name, label, document))
        return self.files[-1]


def read(source: str, now: datetime, timeout: float = TIMEOUT_S) -> Reading:
    """Read the feed at `source`, the address of a gbfs.json or a folder; `timeout` in seconds for each file.

    Raises ValueError for what is neither; whatever is wrong with the feed itself is a finding.
    """
    try:
        address = urlsplit(source)
        if address.scheme in ("http", "https") and address.hostname:
            return read_url(source, now, timeout)
        if source and Path(source).is_dir():
            return read_folder(Path(source), now)
    except ValueError:  # an address or a path that cannot be one
        pass
    raise ValueError(_("既不是 http(s) 地址，也不是文件夹：%(source)s") % {"source": shown(source)})


def lines(index: File) -> list[Line]:
    """What a gbfs.json lists: `data.feeds` since 3.0, `data.<language>.feeds` before."""
    groups = [("", "/data/feeds", index.data.get("feeds"))]
    groups += [
        (key, f"/data/{pointer(key)}/feeds", mapping(value).get("feeds"))
        for key, value in index.data.items()
        if key != "feeds"
    ]
    found = []
    for language, path, feeds in groups:
        for n, entry in enumerate(listing(feeds)):
            name, url = mapping(entry).get("name"), mapping(entry).get("url")
            if isinstance(name, str) and isinstance(url, str) and name in versions.file_names() and name != "gbfs":
                found.append(Line(name, url, language, f"{path}/{n}"))
    return found


# From a URL


def read_url(url: str, now: datetime, timeout: float) -> Reading:
    """Fetch gbfs.json and the files that it lists, several at a time."""
    reading = Reading()
    with fetching.client(timeout) as http:
        answer = fetching.fetch(http, url, "gbfs.json", timeout)
        reading.findings += answer.findings
        index = None if answer.content is None else reading.parsed("gbfs", "gbfs.json", answer.content)
        if index is None:
            return reading
        listed = lines(index)
        if not listed:
            reading.findings.append(error("index", index.label, "/data", _("不是 gbfs.json，或没有列出任何文件")))
        first = {line.url: line for line in reversed(listed)}
        several = len({line.language for line in listed}) > 1
        names = {
            line.url: f"{line.language}/{line.name}.json" if several else f"{line.name}.json" for line in first.values()
        }
        speech = get_language()

        def fetch(address: str) -> fetching.Answer:
            with override(speech):  # a language belongs to its thread
                return fetching.fetch(http, address, names[address], timeout)

        with ThreadPoolExecutor(WORKERS) as pool:
            answers = dict(zip(names, pool.map(fetch, names), strict=True))
    got = {u: _taken(reading, first[u], names[u], answer) for u, answer in answers.items()}
    gone = {u for u, answer in answers.items() if answer.status in (404, 410) and first[u].name not in NEEDED}
    for language in dict.fromkeys(line.language for line in listed) or [""]:
        own = [line for line in listed if line.language == language]
        files = {line.name: file for line in reversed(own) if (file := got[line.url])}
        lost = {line.name for line in own if line.name not in files and line.url not in gone}
        reading.feeds.append(_feed({**files, "gbfs": index}, language, lost, now, live=True))
    return reading


def _taken(reading: Reading, line: Line, label: str, answer: fetching.Answer) -> File | None:
    """The file behind an answer. A missing optional file is no error (File Distribution)."""
    if answer.status in (404, 410) and line.name not in NEEDED:
        reading.findings += [warning(f.check, f.file, f.path, f.what) for f in answer.findings]
    else:
        reading.findings += answer.findings
    return None if answer.content is None else reading.parsed(line.name, label, answer.content)


# From a folder


def read_folder(folder: Path, now: datetime) -> Reading:
    """Read the JSON files of a folder that have a name of the specification, behind any prefix.

    Subfolders named like the languages of gbfs.json hold the files of that language.
    """
    reading = Reading()
    shared, lost = _folder_files(reading, folder, "")
    index = shared.get("gbfs")
    if not shared and not lost:
        reading.findings.append(error("missing-file", "", "", _("文件夹里没有 GBFS 文件")))
        return reading
    if index is None and "gbfs" not in lost:
        what = _("没有 gbfs.json，无法核对应有哪些文件")
        reading.findings.append(warning("missing-file", "gbfs.json", "", what))
    listed = lines(index) if index else []
    languages = list(dict.fromkeys(line.language for line in listed)) or [""]
    own = {key: _folder_files(reading, folder / key, f"{key}/") for key in languages if _is_name(key, folder)}
    if not own:  # the files of all languages in one place: of one language, or nobody can tell
        own = {languages[0] if len(languages) == 1 else "": ({}, set())}
    for language, (files, unread) in own.items():
        have, gone = shared | files, lost | unread
        mine = [line for line in listed if not language or line.language == language]
        gone |= set(_not_there(reading, mine, {*have, *gone}, index))
        reading.feeds.append(_feed(have, language, gone, now, live=False))
        if index:
            reading.findings += _not_listed(mine, have.values())
    return reading


def _is_name(language: str, folder: Path) -> bool:
    """Is there a subfolder for this language? The key comes from the feed, so it must be a mere name."""
    return bool(re.fullmatch(r"[A-Za-z0-9-]{2,20}", language)) and (folder / language).is_dir()


def _folder_files(reading: Reading, folder: Path, prefix: str) -> tuple[dict[str, File], set[str]]:
    """The files of one folder by name, and the names of those that cannot be read."""
    files: dict[str, File] = {}
    lost: set[str] = set()
    for path in sorted(folder.iterdir()):
        match = FILE_NAME.fullmatch(path.name)
        if not match or not path.is_file():
            continue
        name, label = match[1].lower(), prefix + path.name
        if name in files or name in lost:
            what = _("文件夹里有两个 %(name)s，只看第一个") % {"name": name}
            reading.findings.append(error("two-files", label, "", what))
            continue
        try:
            if path.stat().st_size > fetching.MAX_BYTES:
                raise OSError(_("文件超过 %(n)d MB") % {"n": fetching.MAX_BYTES // 2**20})
            content = path.read_bytes()
        except OSError as reason:
            reading.findings.append(
                error("json", label, "", _("读不出来（%(why)s）") % {"why": reason.strerror or reason})
            )
            lost.add(name)
            continue
        if file := reading.parsed(name, label, content):
            files[name] = file
        else:
            lost.add(name)
    return files, lost


def _not_there(reading: Reading, listed: list[Line], have: set[str], index: File | None) -> Iterator[str]:
    """Names that gbfs.json lists and the folder lacks; those that a system cannot do without count as lost."""
    for line in listed:
        if line.name in have or index is None:
            continue
        what = _("列出了 %(name)s，但没有这个文件") % {"name": line.name}
        if line.name in NEEDED:
            reading.findings.append(error("listed-missing", index.label, line.path, what))
            yield line.name
        else:
            reading.findings.append(warning("listed-missing", index.label, line.path, what))


def _not_listed(listed: list[Line], files: Iterable[File]) -> list[Finding]:
    """Files that gbfs.json does not mention, and which no reader of the feed will therefore find."""
    names = {line.name for line in listed} | {"gbfs", "manifest"}
    what = _("gbfs.json 没有列出这个文件")
    return [warning("unlisted-file", file.label, "", what) for file in files if file.name not in names]


def _feed(files: dict[str, File], language: str, lost: set[str], now: datetime, *, live: bool) -> Feed:
    others = [file for name, file in files.items() if name != "gbfs"]
    family = family_of(others, files.get("gbfs"))
    return Feed(files, family, now, live=live, language=language, lost=frozenset(lost))
