"""Whether a file may be stored as evidence: its type is what it is said to be, and nothing in it runs.

`examine(data, declared, limits)` says why not, or None. It looks at the bytes alone and believes nothing that a
file says about itself. What it cannot look into (encryption, filters that hide objects) it refuses: a scan of the
paper is always possible.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO
from types import MappingProxyType
from xml.parsers import expat

from kundval_contracts.codes import DocumentRefusal, DocumentType
from kundval_contracts.settings import RuleSettings

R = DocumentRefusal

#: What a file may grow to when it is opened, bytes; and how many times its size, for any part above `_SMALL`.
_OPENED, _RATIO, _SMALL = 100 * 2**20, 100, 2**20
#: Parts of an archive.
_ENTRIES = 2000
#: Points of a picture: an A0 scan at 300 dpi has 140 million.
_PIXELS = 200_000_000


@dataclass(frozen=True, slots=True)
class Limits:
    """`most`: size in bytes; `types`: what may be stored at all."""

    most: int
    types: frozenset[DocumentType]

    @classmethod
    def of(cls, settings: RuleSettings) -> Limits:
        return cls(settings["documents.max_bytes"], frozenset(map(DocumentType, settings["documents.types"])))


class _Refused(Exception):
    def __init__(self, reason: DocumentRefusal):
        self.reason = reason


def examine(data: bytes, declared: DocumentType, limits: Limits) -> DocumentRefusal | None:
    """Why `data` may not be stored as a file of the type `declared`; None if it may. Never raises."""
    if not data:
        return R.EMPTY
    if len(data) > limits.most:
        return R.TOO_LARGE
    if is_executable(data):
        return R.EXECUTABLE
    if declared not in limits.types:
        return R.TYPE_NOT_ALLOWED
    found = sniff(data)
    if found is None:
        return R.MARKUP if _is_markup(data) else R.TYPE_UNKNOWN
    if found is not declared:
        return R.TYPE_DIFFERS
    try:
        _EXAMINERS[found](data)
    except _Refused as refused:
        return refused.reason
    return None


# --- what it is ----------------------------------------------------------------------------------------

_EXECUTABLE = (
    b"\x7fELF",
    b"\xfe\xed\xfa\xce", b"\xfe\xed\xfa\xcf", b"\xce\xfa\xed\xfe", b"\xcf\xfa\xed\xfe",  # Mach-O
    b"\xca\xfe\xba\xbe", b"\xbe\xba\xfe\xca", b"\xca\xfe\xba\xbf",  # Mach-O of several kinds, and Java classes
    b"\x00asm",
    b"dex\n",
    b"BC\xc0\xde",  # LLVM
    b"#!",
    b"\xef\xbb\xbf#!",
    b"L\x00\x00\x00\x01\x14\x02\x00",  # a Windows shortcut
)  # fmt: skip


def is_executable(data: bytes) -> bool:
    """ELF, PE, Mach-O, Java, WebAssembly, or a script that names its interpreter."""
    if data.startswith(b"MZ") and b"\x00" in data[:64]:  # PE, and with it DLL, COM and SCR; not a text of M. Z.
        return True
    return data.startswith(_EXECUTABLE) or bool(re.match(rb"\s*@echo\s+off\b", data, re.I))


def sniff(data: bytes) -> DocumentType | None:
    """The type that the bytes begin like; None if it is none of those that can be stored."""
    if data.startswith(b"%PDF-"):
        return DocumentType.PDF
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return DocumentType.PNG
    if data.startswith(b"\xff\xd8\xff"):
        return DocumentType.JPEG
    if data.startswith(b"PK\x03\x04"):
        # ODF has its type as the first, stored entry; OOXML says it in a part of a fixed name
        if data[30:38] == b"mimetype":
            return DocumentType.ODT if data[38:].startswith(_ODT) else None
        return DocumentType.DOCX if b"word/document.xml" in data else None
    return DocumentType.TEXT if _is_text(data) and not _is_markup(data) else None


#: PostScript, RTF and mail are text too, and other programs open them.
_FOREIGN_TEXT = (b"%!", b"{\\rtf", b"MIME-Version:")


def _is_text(data: bytes) -> bool:
    """UTF-8 without control characters but tab, line feed and carriage return; not the form of another type."""
    if data.startswith(_FOREIGN_TEXT):
        return False
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return False
    return not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x9f\ufeff\u202a-\u202e\u2066-\u2069]", text)


_MARKUP = re.compile(
    rb"<\s*(?:!doctype|\?|!\[cdata|html|head|body|script|svg|iframe|object|embed|img|meta|link|style|form|base|"
    rb"xsl|[a-z]+:script)\b|<\?(?:xml|php|=)|javascript\s*:|vbscript\s*:|data\s*:\s*text/html",
    re.I,
)


def _is_markup(data: bytes) -> bool:
    """HTML, SVG or another markup that a browser might take it for, and carry out."""
    return bool(_MARKUP.search(data))


# --- PDF -----------------------------------------------------------------------------------------------

#: Names by which a PDF does something, or carries another file.
_ACTIVE = frozenset({b"JavaScript", b"JS", b"Launch", b"RichMedia", b"XFA", b"ImportData", b"SubmitForm", b"Rendition"})
_ATTACHED = frozenset({b"EmbeddedFile", b"EmbeddedFiles", b"GoToE", b"GoToR", b"Collection"})
_NAME = re.compile(rb"/([^\x00\t\n\x0c\r ()<>\[\]{}/%]+)")
_STREAM = re.compile(rb"(?<!end)stream\r?\n")
_ESCAPE = re.compile(rb"#([0-9A-Fa-f]{2})")
#: Long enough that compressed bytes do not hold them by chance.
_UNMISTAKABLE = 6
#: The dictionary of a stream stands in so many bytes before it.
_HEAD = 4096
_STREAMS = 20_000


def _pdf(data: bytes) -> None:
    if not re.match(rb"%PDF-[12]\.\d", data):
        raise _Refused(R.MALFORMED)
    last = data.rfind(b"%%EOF")
    if last < 0:
        raise _Refused(R.MALFORMED)
    if data[last + 5 :].strip(b"\x00\t\n\x0c\r "):
        raise _Refused(R.POLYGLOT)
    _no_archive(data)
    # a reader that repairs a file takes objects from anywhere, so what stands within streams counts too
    _names(data, least=_UNMISTAKABLE)
    for part in re.split(rb"stream\r?\n.*?endstream", data, flags=re.S):
        _names(part)
    left = _OPENED
    for number, found in enumerate(_STREAM.finditer(data)):
        if number >= _STREAMS:
            raise _Refused(R.BOMB)
        end = data.find(b"endstream", found.end())
        head = data[max(0, found.start() - _HEAD) : found.start()].rpartition(b"endstream")[2]
        left -= _look_into(head, data[found.end() : end if end >= 0 else len(data)], left)


def _look_into(head: bytes, raw: bytes, most: int) -> int:
    """Open a stream; how many bytes it held. One that may hold objects has to be readable, and is read."""
    names = {_unescaped(name) for name in _NAME.findall(head)}
    if b"ObjStm" in names or {b"N", b"First"} <= names:
        if names & (_ENCODINGS | {b"DecodeParms", b"DP"}):
            raise _Refused(R.ACTIVE_CONTENT)
        content = _inflated(raw, min(most, max(_SMALL, len(raw) * _RATIO)))
        _names(content)
        return len(content)
    return len(_inflated(raw, most)) if names & {b"FlateDecode", b"Fl"} and not names & _ENCODINGS else 0


#: Filters with which the bytes of a stream cannot be read as they stand.
_ENCODINGS = frozenset(
    {b"ASCIIHexDecode", b"AHx", b"ASCII85Decode", b"A85", b"LZWDecode", b"LZW", b"RunLengthDecode", b"RL", b"Crypt"}
)


def _inflated(raw: bytes, most: int) -> bytes:
    """What a zlib stream opens to, as far as it can be read. Beyond `most` it is a bomb, and is not opened further."""
    try:
        content = zlib.decompressobj().decompress(raw.lstrip(b"\r\n"), most + 1)
    except zlib.error:
        return b""
    if len(content) > most:
        raise _Refused(R.BOMB)
    return content


def _names(part: bytes, least: int = 0) -> None:
    """Refuse a part of a PDF for a name that stands in it, however it is written (`/J#61vaScript`)."""
    for raw in _NAME.findall(part):
        name = _unescaped(raw)
        if len(name) < least:
            continue
        if name in _ACTIVE:
            raise _Refused(R.ACTIVE_CONTENT)
        if name in _ATTACHED:
            raise _Refused(R.EMBEDDED_FILE)
        if name == b"Encrypt":
            raise _Refused(R.ENCRYPTED)


def _unescaped(name: bytes) -> bytes:
    return _ESCAPE.sub(lambda found: bytes([int(found[1], 16)]), name)


# --- pictures and text ---------------------------------------------------------------------------------

#: What no picture says of itself; its metadata may well be XML.
_SCRIPTED = re.compile(rb"<\s*(?:script|html|svg|iframe|body)\b|<\?php|javascript\s*:", re.I)


def _png(data: bytes) -> None:
    """Chunk after chunk with its checksum, from IHDR to IEND, and nothing after it."""
    _no_archive(data)
    position, first, ended = 8, True, False
    while position < len(data):
        if ended:
            raise _Refused(R.POLYGLOT)
        size = int.from_bytes(data[position : position + 4], "big")
        kind, content = data[position + 4 : position + 8], data[position + 8 : position + 8 + size]
        check = data[position + 8 + size : position + 12 + size]
        if len(content) != size or check != zlib.crc32(kind + content).to_bytes(4, "big"):
            raise _Refused(R.MALFORMED)
        if first and (kind != b"IHDR" or size != 13):
            raise _Refused(R.MALFORMED)
        if first:
            _few_pixels(int.from_bytes(content[:4], "big"), int.from_bytes(content[4:8], "big"))
        if kind in (b"tEXt", b"iTXt") and _SCRIPTED.search(content):
            raise _Refused(R.MARKUP)
        first, ended, position = False, kind == b"IEND", position + 12 + size
    if not ended:
        raise _Refused(R.MALFORMED)


def _jpeg(data: bytes) -> None:
    """Segment after segment to the end of the picture; after it only further pictures, as telephones make them."""
    _no_archive(data)
    position = _one_jpeg(data, 0)
    while data[position : position + 3] == b"\xff\xd8\xff":
        position = _one_jpeg(data, position)
    if data[position:].strip(b"\x00"):
        raise _Refused(R.POLYGLOT)


#: Frames: SOF0 to SOF15 without DHT, JPG and DAC.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_ALONE = frozenset({0x01, *range(0xD0, 0xD8)})


def _one_jpeg(data: bytes, start: int) -> int:
    """The position after the picture that begins at `start`."""
    position, framed = start + 2, False
    while position + 1 < len(data):
        if data[position] != 0xFF:
            raise _Refused(R.MALFORMED)
        marker = data[position + 1]
        if marker == 0xFF:
            position += 1
        elif marker == 0xD9:
            if not framed:
                raise _Refused(R.MALFORMED)
            return position + 2
        elif marker in _ALONE:
            position += 2
        else:
            size = int.from_bytes(data[position + 2 : position + 4], "big")
            content = data[position + 4 : position + 2 + size]
            if size < 2 or len(content) != size - 2:
                raise _Refused(R.MALFORMED)
            if marker in _FRAMES:
                framed = True
                _few_pixels(int.from_bytes(content[1:3], "big") or 1, int.from_bytes(content[3:5], "big"))
            if _SCRIPTED.search(content):
                raise _Refused(R.MARKUP)
            position += 2 + size
            if marker == 0xDA:
                position = _after_scan(data, position)
    raise _Refused(R.MALFORMED)


_NEXT_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


def _after_scan(data: bytes, position: int) -> int:
    """The next marker: within a scan FF is followed by 00 or a restart."""
    found = _NEXT_MARKER.search(data, position)
    if found is None:
        raise _Refused(R.MALFORMED)
    return found.start()


def _few_pixels(width: int, height: int) -> None:
    if not width or not height:
        raise _Refused(R.MALFORMED)
    if width * height > _PIXELS:
        raise _Refused(R.BOMB)


def _text(data: bytes) -> None:
    _no_archive(data)


def _no_archive(data: bytes) -> None:
    """Refuse a file that an unpacker would take for an archive: those are read from their end."""
    if zipfile.is_zipfile(BytesIO(data)):
        raise _Refused(R.POLYGLOT)


# --- text documents ------------------------------------------------------------------------------------

_ODT = b"application/vnd.oasis.opendocument.text"
_EOCD = b"PK\x05\x06"
_ARCHIVES = (b"PK\x03\x04", b"PK\x05\x06", b"Rar!", b"7z\xbc\xaf", b"\x1f\x8b", b"BZh", b"\xd0\xcf\x11\xe0")
_FOREIGN_NAMES = re.compile(
    r"\.(?:exe|dll|com|scr|bat|cmd|ps1|vbs|vbe|js|jse|mjs|wsf|hta|msi|jar|class|sh|py|pl|rb|php|html?|xhtml|svgz?|"
    r"swf|lnk|reg|iso|zip|rar|7z|docm|xlsm|pptm|dotm)$",
    re.I,
)


def _archive(data: bytes) -> dict[str, bytes]:
    """The parts of a text document. Refused: other archives before or behind it, encryption, bombs, odd names."""
    end = data.rfind(_EOCD)
    if end < 0 or len(data) != end + 22 or data[-2:] != b"\x00\x00":
        raise _Refused(R.POLYGLOT if end >= 0 else R.MALFORMED)
    parts: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            entries = archive.infolist()
            if len(entries) > _ENTRIES:
                raise _Refused(R.BOMB)
            if min((entry.header_offset for entry in entries), default=1) != 0:
                raise _Refused(R.POLYGLOT)
            left = _OPENED
            for entry in entries:
                left -= entry.file_size
                if left < 0 or entry.file_size > max(_SMALL, entry.compress_size * _RATIO):
                    raise _Refused(R.BOMB)
                _plain_entry(entry, parts)
                # it gives no more than the size just looked at, and checks the sum
                parts[entry.filename] = archive.read(entry)
    except _Refused:
        raise
    except Exception:  # zipfile raises what it meets: OSError, KeyError, ValueError, zlib.error, NotImplementedError…
        raise _Refused(R.MALFORMED) from None
    for name, content in parts.items():
        _harmless_part(name, content)
    return parts


def _plain_entry(entry: zipfile.ZipInfo, parts: Mapping[str, bytes]) -> None:
    name = entry.filename
    if entry.flag_bits & 0x1:
        raise _Refused(R.ENCRYPTED)
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise _Refused(R.MALFORMED)
    if name in parts or name.startswith("/") or "\\" in name or ".." in name.split("/") or ":" in name:
        raise _Refused(R.MALFORMED)


def _harmless_part(name: str, content: bytes) -> None:
    if is_executable(content):
        raise _Refused(R.EXECUTABLE)
    lower = name.lower()
    if "vbaproject" in lower or "vbadata" in lower or lower.startswith(("basic/", "scripts/", "macros/")):
        raise _Refused(R.MACRO)
    if "activex" in lower or lower.startswith("customui"):
        raise _Refused(R.ACTIVE_CONTENT)
    if "/embeddings/" in lower or content.startswith(_ARCHIVES):
        raise _Refused(R.EMBEDDED_FILE)
    if _FOREIGN_NAMES.search(lower):
        raise _Refused(R.MARKUP if re.search(r"html?$|svgz?$", lower) else R.EXECUTABLE)
    if lower.endswith((".xml", ".rels", ".rdf")) and content:
        _harmless_xml(content)


def _harmless_xml(content: bytes) -> None:
    """Well-formed UTF-8 without definitions of its own, without scripts and without what is fetched from outside."""
    head = content[:200].lower()
    if b"\x00" in content[:4] or (b"encoding" in head and not re.search(rb"encoding\s*=\s*[\"']utf-8[\"']", head)):
        raise _Refused(R.MALFORMED)
    watch = _Watch()
    parser = expat.ParserCreate("UTF-8", "\n")
    parser.StartDoctypeDeclHandler = watch.doctype
    parser.StartElementHandler = watch.start
    parser.EndElementHandler = watch.end
    parser.CharacterDataHandler = watch.text
    try:
        parser.Parse(content, True)
    except expat.ExpatError:
        raise _Refused(R.MALFORMED) from None
    # a field may be spread over several runs
    if _FIELDS.search("".join(watch.instructions)):
        raise _Refused(R.ACTIVE_CONTENT)


#: Fields of a text document that start a program or fetch from elsewhere when it is opened.
_FIELDS = re.compile(r"\b(?:DDE|DDEAUTO|MACROBUTTON|INCLUDETEXT|INCLUDEPICTURE|IMPORT)\b", re.I)
#: Relations of OOXML that are opened together with the document; hyperlinks are not.
_FETCHED = frozenset({"attachedtemplate", "oleobject", "frame", "subdocument", "externallink", "control", "package"})
_OBJECTS = frozenset({"object", "object-ole", "plugin", "applet", "floating-frame", "OLEObject"})


class _Watch:
    """What expat meets in a part, looked at as it comes. Names are `namespace\\nname`, or the name alone."""

    def __init__(self) -> None:
        self.instructions: list[str] = []
        self._in_field = False

    def doctype(self, *_: object) -> None:
        raise _Refused(R.BOMB)

    def start(self, name: str, attributes: dict[str, str]) -> None:
        space, _, local = name.rpartition("\n")
        values = {key.rpartition("\n")[2].lower(): value.lower() for key, value in attributes.items()}
        where = " ".join(values.get(key, "") for key in ("href", "target", "src"))
        if local.lower() == "script" or ("opendocument" in space and ":script:" in space):
            raise _Refused(R.MACRO)
        if re.search(r"vnd\.sun\.star\.script|macro:", where) or "macroenabled" in values.get("contenttype", ""):
            raise _Refused(R.MACRO)
        if re.search(r"\b(?:javascript|vbscript|file)\s*:", where):
            raise _Refused(R.ACTIVE_CONTENT)
        if local == "Relationship":
            kind = values.get("type", "").rpartition("/")[2]
            if kind == "afchunk" or (kind in _FETCHED and values.get("targetmode") == "external"):
                raise _Refused(R.ACTIVE_CONTENT)
        if local in _OBJECTS and ("drawing" in space or local == "OLEObject"):
            raise _Refused(R.EMBEDDED_FILE)
        self._in_field = local == "instrText"
        if local == "fldSimple":
            self.instructions += ["\n", values.get("instr", ""), "\n"]

    def end(self, name: str) -> None:
        self._in_field = False
        if name.endswith("\np"):
            self.instructions.append("\n")

    def text(self, data: str) -> None:
        if self._in_field:
            self.instructions.append(data)


def _odt(data: bytes) -> None:
    parts = _archive(data)
    if parts.get("mimetype") != _ODT or not {"content.xml", "META-INF/manifest.xml"} <= parts.keys():
        raise _Refused(R.MALFORMED)
    if b"encryption-data" in parts["META-INF/manifest.xml"]:
        raise _Refused(R.ENCRYPTED)


def _docx(data: bytes) -> None:
    parts = _archive(data)
    if not {"[Content_Types].xml", "word/document.xml"} <= parts.keys():
        raise _Refused(R.MALFORMED)


_EXAMINERS: Mapping[DocumentType, Callable[[bytes], None]] = MappingProxyType(
    {
        DocumentType.PDF: _pdf,
        DocumentType.PNG: _png,
        DocumentType.JPEG: _jpeg,
        DocumentType.ODT: _odt,
        DocumentType.DOCX: _docx,
        DocumentType.TEXT: _text,
    }
)
