"""Which files may be stored as evidence. The files are made here, byte by byte."""

from __future__ import annotations

import zipfile
import zlib
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kundval_assignment.domain.documents import Limits, examine, sniff
from kundval_contracts.codes import Document, DocumentCode, DocumentType
from kundval_contracts.codes import DocumentRefusal as R
from kundval_contracts.settings import RuleSettings, SettingsFault, read_settings

T = DocumentType
LIMITS = Limits.of(RuleSettings())


def verdict(data: bytes, declared: DocumentType, limits: Limits = LIMITS) -> R | None:
    return examine(data, declared, limits)


# --- files ---------------------------------------------------------------------------------------------


def pdf(*objects: bytes, tail: bytes = b"\n") -> bytes:
    body = b"\n".join(b"%d 0 obj\n%s\nendobj" % (number, one) for number, one in enumerate(objects, 3))
    return (
        b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<</Type /Catalog /Pages 2 0 R>>\nendobj\n"
        b"2 0 obj\n<</Type /Pages /Kids [] /Count 0>>\nendobj\n"
        + body
        + b"\nxref\n0 1\ntrailer\n<</Root 1 0 R>>\nstartxref\n9\n%%EOF"
        + tail
    )


def stream(content: bytes, dictionary: bytes = b"") -> bytes:
    packed = zlib.compress(content)
    head = b"<</Length %d /Filter /FlateDecode %s>>" % (len(packed), dictionary)
    return head + b"\nstream\n" + packed + b"\nendstream"


def png(width: int = 1, height: int = 1, *chunks: tuple[bytes, bytes], tail: bytes = b"") -> bytes:
    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x00\x00\x00\x00"
    every = [(b"IHDR", head), *chunks, (b"IDAT", zlib.compress(b"\x00\x00")), (b"IEND", b"")]
    packed = [
        len(content).to_bytes(4, "big") + kind + content + zlib.crc32(kind + content).to_bytes(4, "big")
        for kind, content in every
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed) + tail


def segment(marker: int, content: bytes) -> bytes:
    return bytes([0xFF, marker]) + (len(content) + 2).to_bytes(2, "big") + content


def jpeg(*segments: bytes, height: int = 16, width: int = 16, tail: bytes = b"") -> bytes:
    frame = b"\x08" + height.to_bytes(2, "big") + width.to_bytes(2, "big") + b"\x01\x01\x11\x00"
    return (
        b"\xff\xd8"
        + segment(0xE0, b"JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00")
        + b"".join(segments)
        + segment(0xC0, frame)
        + segment(0xDA, b"\x01\x01\x00\x00\x3f\x00")
        + b"\x12\xff\x00\x34\xff\xd0\x56"  # an escaped FF and a restart within the picture
        + b"\xff\xd9"
        + tail
    )


def packed(*parts: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in parts:
            how = zipfile.ZIP_STORED if name == "mimetype" else method
            archive.writestr(zipfile.ZipInfo(name), content, how)
    return buffer.getvalue()


W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
TYPES = b'<?xml version="1.0" encoding="UTF-8"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/x"/>'


def docx(*more: tuple[str, bytes], text: str = "<w:p/>", types: bytes = TYPES) -> bytes:
    body = f'<w:document xmlns:w="{W}"><w:body>{text}</w:body></w:document>'.encode()
    return packed(("[Content_Types].xml", types), ("word/document.xml", body), *more)


OFFICE = "urn:oasis:names:tc:opendocument:xmlns:office:1.0"
ODT = b"application/vnd.oasis.opendocument.text"
MANIFEST = b'<manifest xmlns="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>'


def odt(
    *more: tuple[str, bytes], text: str = "", mimetype: bytes = ODT, manifest: bytes = MANIFEST, content: bytes = b""
) -> bytes:
    body = (
        content
        or (
            f'<office:document-content xmlns:office="{OFFICE}" xmlns:xlink="http://www.w3.org/1999/xlink"'
            f' xmlns:script="urn:oasis:names:tc:opendocument:xmlns:script:1.0"'
            f' xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0">'
            f"<office:scripts/>{text}</office:document-content>"
        ).encode()
    )
    return packed(("mimetype", mimetype), ("content.xml", body), ("META-INF/manifest.xml", manifest), *more)


GOOD = {
    T.PDF: pdf(stream(b"BT /F1 12 Tf (Anst\xe4llningsintyg) Tj ET")),
    T.PNG: png(),
    T.JPEG: jpeg(),
    T.ODT: odt(),
    T.DOCX: docx(),
    T.TEXT: "Anställningsintyg\r\n\tHeltid från 1 april.\n".encode(),
}


# --- what may be stored ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", list(T))
def test_a_file_of_each_type_may_be_stored_as_what_it_is(kind: DocumentType) -> None:
    assert sniff(GOOD[kind]) is kind
    assert verdict(GOOD[kind], kind) is None


@pytest.mark.parametrize("kind", list(T))
@pytest.mark.parametrize("declared", list(T))
def test_a_file_is_not_stored_as_what_it_is_not(kind: DocumentType, declared: DocumentType) -> None:
    assert verdict(GOOD[kind], declared) is (None if kind is declared else R.TYPE_DIFFERS)


def test_the_largest_file_is_as_large_as_the_setting_says() -> None:
    limits = Limits(100, frozenset(T))
    assert verdict(b"a" * 100, T.TEXT, limits) is None
    assert verdict(b"a" * 101, T.TEXT, limits) is R.TOO_LARGE
    assert verdict(b"", T.TEXT, limits) is R.EMPTY


def test_a_municipality_may_allow_fewer_types_but_none_of_its_own() -> None:
    some = Limits.of(RuleSettings(read_settings({"documents.types": ["PDF"], "documents.max_bytes": 5000})))
    assert verdict(GOOD[T.PDF], T.PDF, some) is None
    assert verdict(GOOD[T.PNG], T.PNG, some) is R.TYPE_NOT_ALLOWED
    for wrong in ({"documents.types": ["EXE"]}, {"documents.types": []}, {"documents.max_bytes": 20 * 2**20}):
        with pytest.raises(SettingsFault):
            read_settings(wrong)


def test_every_document_that_an_exit_can_carry_has_a_code_among_the_stored_ones() -> None:
    assert {one.value for one in Document} <= {one.value for one in DocumentCode}


# --- what runs ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "head",
    [
        b"\x7fELF\x02\x01\x01",
        b"MZ\x90\x00\x03\x00\x00\x00",
        b"\xfe\xed\xfa\xce",
        b"\xcf\xfa\xed\xfe",
        b"\xca\xfe\xba\xbe",
        b"\x00asm\x01",
        b"#!/bin/sh\nrm -rf /\n",
        b"\xef\xbb\xbf#!/usr/bin/env python\n",
        b"@echo off\r\nformat c:\r\n",
    ],
    ids=repr,
)
@pytest.mark.parametrize("declared", [T.TEXT, T.PDF])
def test_what_runs_is_refused_whatever_it_is_said_to_be(head: bytes, declared: DocumentType) -> None:
    assert verdict(head + b" and so on", declared) is R.EXECUTABLE
    assert verdict(docx(("word/media/image1.png", head)), T.DOCX) is R.EXECUTABLE


@pytest.mark.parametrize(
    "text",
    [
        b"<!DOCTYPE html><p>x",
        b"<html><body>x",
        b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>',
        b"<svg onload='x'>",
        b"An innocent line\n<ScRiPt>alert(1)</script>",
        b"go to javascript:alert(1)",
        b"<?php system('x');",
        b"< iframe src='x'>",
    ],
    ids=repr,
)
def test_markup_that_a_browser_would_carry_out_is_no_text(text: bytes) -> None:
    assert verdict(text, T.TEXT) is R.MARKUP


def test_a_text_may_hold_signs_that_markup_uses_too() -> None:
    assert verdict("Lön < 20 000 kr & heltid > 75 %; se <bilaga 1>".encode(), T.TEXT) is None
    assert verdict(b"MZ-projektet: rapport", T.TEXT) is None


@pytest.mark.parametrize(
    "text", [b"caf\xe9", b"a\x00b", b"a\x1b[2Jb", "höger\u202etill vänster".encode(), b"{\\rtf1 x}"]
)
def test_what_is_no_plain_utf_8_is_no_text(text: bytes) -> None:
    assert verdict(text, T.TEXT) is R.TYPE_UNKNOWN


# --- PDF ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("part", "reason"),
    [
        (b"<</S /JavaScript /JS (app.alert\\(1\\))>>", R.ACTIVE_CONTENT),
        (b"<</S /J#61vaScript>>", R.ACTIVE_CONTENT),
        (b"<</S /#4a#61#76#61#53#63#72#69#70#74>>", R.ACTIVE_CONTENT),
        (b"<</JS 9 0 R>>", R.ACTIVE_CONTENT),
        (b"<</#4aS 9 0 R>>", R.ACTIVE_CONTENT),
        (b"<</OpenAction <</S/JavaScript/JS(x)>> >>", R.ACTIVE_CONTENT),
        (b"<</S /Launch /F (cmd.exe)>>", R.ACTIVE_CONTENT),
        (b"<</S/L#61unch>>", R.ACTIVE_CONTENT),
        (b"<</Type /RichMedia>>", R.ACTIVE_CONTENT),
        (b"<</XFA 4 0 R>>", R.ACTIVE_CONTENT),
        (b"<</Type /EmbeddedFile>>", R.EMBEDDED_FILE),
        (b"<</Names <</EmbeddedFiles 4 0 R>> >>", R.EMBEDDED_FILE),
        (b"<</Encrypt 9 0 R>>", R.ENCRYPTED),
    ],
    ids=repr,
)
def test_a_pdf_that_does_something_is_refused_also_when_the_name_is_in_disguise(part: bytes, reason: R) -> None:
    assert verdict(pdf(part), T.PDF) is reason
    # the same within a compressed stream of objects
    hidden = stream(b"9 0 " + part, b"/Type /ObjStm /N 1 /First 4")
    assert verdict(pdf(hidden), T.PDF) is reason
    nameless = stream(b"9 0 " + part, b"/Type 8 0 R /#4e 1 /First 4")
    assert verdict(pdf(nameless), T.PDF) is reason


def test_objects_in_a_pdf_that_cannot_be_looked_into_are_refused() -> None:
    for filters in (b"/Filter [/ASCIIHexDecode /FlateDecode]", b"/DecodeParms <</Predictor 12>>"):
        assert verdict(pdf(stream(b"<<>>", b"/Type /ObjStm " + filters)), T.PDF) is R.ACTIVE_CONTENT


def test_a_pdf_may_open_on_a_page_link_to_the_web_and_compress_its_pictures_any_way() -> None:
    fine = pdf(
        b"<</OpenAction [3 0 R /XYZ null null 0]>>",
        b"<</S /URI /URI (https://www.nacka.se)>>",
        stream(bytes(5000), b"/Subtype /Image /DecodeParms <</Predictor 15>>"),
        stream(b"BT (JS) Tj ET /JS BMC"),
    )
    assert verdict(fine, T.PDF) is None


def test_a_pdf_begins_and_ends_as_one() -> None:
    good = GOOD[T.PDF]
    assert verdict(b"\n" + good, T.PDF) is R.TYPE_UNKNOWN
    assert verdict(b"GIF89a" + good, T.PDF) is R.TYPE_UNKNOWN
    assert verdict(good + b"\r\n\x00", T.PDF) is None
    assert verdict(good + b"<script>alert(1)</script>", T.PDF) is R.POLYGLOT
    assert verdict(good[: good.rfind(b"%%EOF")], T.PDF) is R.MALFORMED
    assert verdict(b"%PDF-9.9" + good[8:], T.PDF) is R.MALFORMED


def test_a_pdf_that_is_an_archive_too_is_refused() -> None:
    inside = packed(("a.txt", b"a"))
    tail = b"\n%%EOF\n"
    comment = len(tail)
    archive = inside[:-2] + comment.to_bytes(2, "little")
    assert verdict(b"%PDF-1.7\n" + archive + tail, T.PDF) is R.POLYGLOT


@pytest.mark.slow
def test_a_pdf_is_not_opened_beyond_all_measure() -> None:
    objects = stream(bytes(20 * 2**20), b"/Type /ObjStm /N 1 /First 4")
    assert verdict(pdf(objects), T.PDF) is R.BOMB
    page = stream(bytes(60 * 2**20))
    assert verdict(pdf(page), T.PDF) is None
    assert verdict(pdf(page, page), T.PDF) is R.BOMB


# --- pictures ---------------------------------------------------------------------------------------------


def test_a_picture_with_something_behind_it_is_refused() -> None:
    for tail in (b"\x00PK", b"#!/bin/sh", b"<script>", packed(("a.exe", b"MZ"))):
        assert verdict(png(tail=tail), T.PNG) is R.POLYGLOT
        assert verdict(jpeg(tail=tail), T.JPEG) is R.POLYGLOT
    assert verdict(jpeg(tail=jpeg() + b"\x00\x00"), T.JPEG) is None, "a telephone stores several pictures in one file"


def test_a_picture_is_whole_and_of_a_size_that_can_be_shown() -> None:
    assert verdict(png()[:-4], T.PNG) is R.MALFORMED
    broken = bytearray(png())
    broken[20] ^= 1
    assert verdict(bytes(broken), T.PNG) is R.MALFORMED
    assert verdict(png(2**31 - 1, 2**31 - 1), T.PNG) is R.BOMB
    assert verdict(png(0, 1), T.PNG) is R.MALFORMED
    assert verdict(jpeg()[:-2], T.JPEG) is R.MALFORMED
    assert verdict(jpeg(width=65535, height=65535), T.JPEG) is R.BOMB
    assert verdict(b"\xff\xd8\xff\xd9", T.JPEG) is R.MALFORMED


def test_a_script_within_a_picture_is_refused_and_metadata_is_not() -> None:
    assert verdict(png(1, 1, (b"tEXt", b"Comment\x00<script>x</script>")), T.PNG) is R.MARKUP
    assert verdict(jpeg(segment(0xFE, b"<script src=x>")), T.JPEG) is R.MARKUP
    metadata = b'http://ns.adobe.com/xap/1.0/\x00<?xpacket begin=""?><x:xmpmeta/>'
    assert verdict(jpeg(segment(0xE1, metadata)), T.JPEG) is None
    assert verdict(png(1, 1, (b"iTXt", metadata)), T.PNG) is None


# --- text documents ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("part", "reason"),
    [
        (("word/vbaProject.bin", b"\x01"), R.MACRO),
        (("word/VBAPROJECT.BIN", b"\x01"), R.MACRO),
        (("word/vbaData.xml", b"<x/>"), R.MACRO),
        (("word/activeX/activeX1.xml", b"<x/>"), R.ACTIVE_CONTENT),
        (("customUI/customUI.xml", b"<x/>"), R.ACTIVE_CONTENT),
        (("word/embeddings/oleObject1.bin", b"\x01"), R.EMBEDDED_FILE),
        (("word/media/a.png", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), R.EMBEDDED_FILE),
        (("word/media/a.png", b"PK\x03\x04 another"), R.EMBEDDED_FILE),
        (("word/media/a.svg", b"<svg/>"), R.MARKUP),
        (("word/a.html", b"<p/>"), R.MARKUP),
        (("word/setup.exe", b"\x01"), R.EXECUTABLE),
        (("word/a.js", b"x"), R.EXECUTABLE),
        (("../../etc/passwd", b"x"), R.MALFORMED),
        (("/etc/passwd", b"x"), R.MALFORMED),
        (("C:\\x", b"x"), R.MALFORMED),
        (("word/styles.xml", b"<a><b></a>"), R.MALFORMED),
        (("word/styles.xml", '<?xml version="1.0" encoding="UTF-16"?><a/>'.encode("utf-16")), R.MALFORMED),
        (("word/styles.xml", b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'), R.BOMB),
    ],
    ids=repr,
)
def test_a_part_of_a_text_document_that_does_something_is_refused(part: tuple[str, bytes], reason: R) -> None:
    assert verdict(docx(part), T.DOCX) is reason
    assert verdict(odt(part), T.ODT) is reason


def relation(kind: str, target: str, mode: str = "External") -> tuple[str, bytes]:
    base = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    row = f'<Relationship Id="r1" Type="{base}/{kind}" Target="{target}" TargetMode="{mode}"/>'
    return ("word/_rels/document.xml.rels", f'<Relationships xmlns="{base}">{row}</Relationships>'.encode())


def test_a_document_that_fetches_something_when_it_is_opened_is_refused_and_a_link_is_not() -> None:
    for kind in ("attachedTemplate", "oleObject", "frame", "subDocument", "aFChunk"):
        assert verdict(docx(relation(kind, "https://example.org/x")), T.DOCX) is R.ACTIVE_CONTENT, kind
    assert verdict(docx(relation("hyperlink", "https://www.nacka.se")), T.DOCX) is None
    assert verdict(docx(relation("hyperlink", "javascript:alert(1)")), T.DOCX) is R.ACTIVE_CONTENT
    assert verdict(docx(relation("hyperlink", "file://server/share")), T.DOCX) is R.ACTIVE_CONTENT


def test_a_macro_enabled_document_under_another_name_is_refused() -> None:
    kind = "application/vnd.ms-word.document.macroEnabled.main+xml"
    types = TYPES.replace(b"/>", f'><Override PartName="/word/document.xml" ContentType="{kind}"/></Types>'.encode())
    assert verdict(docx(types=types), T.DOCX) is R.MACRO


def test_a_field_that_starts_a_program_is_refused_also_when_it_is_spread_over_runs() -> None:
    run = "<w:r><w:instrText>{}</w:instrText></w:r>"
    assert verdict(docx(text=f"<w:p>{run.format('DDEAUTO c:cmd.exe')}</w:p>"), T.DOCX) is R.ACTIVE_CONTENT
    spread = run.format("DD") + run.format("EAUTO c:cmd.exe")
    assert verdict(docx(text=f"<w:p>{spread}</w:p>"), T.DOCX) is R.ACTIVE_CONTENT
    simple = '<w:fldSimple w:instr=" DDE x y "/>'
    assert verdict(docx(text=simple), T.DOCX) is R.ACTIVE_CONTENT
    assert verdict(docx(text=f"<w:p>{run.format('PAGE')}</w:p>"), T.DOCX) is None


@pytest.mark.parametrize(
    "text",
    [
        "<script:event-listener script:language='ooo:script'/>",
        "<office:script script:language='JavaScript'/>",
        "<a xlink:href='vnd.sun.star.script:Standard.M.m?language=Basic'/>",
        "<a xlink:href='&#118;nd.sun.star.script:Standard.M.m'/>",
        "<a xlink:href='macro:///Standard.M.m'/>",
    ],
)
def test_an_odt_with_a_macro_in_it_is_refused(text: str) -> None:
    assert verdict(odt(text=text), T.ODT) is R.MACRO
    assert verdict(odt(("Basic/Standard/M.xml", b"<x/>")), T.ODT) is R.MACRO


def test_an_odt_is_a_text_that_is_not_encrypted_and_holds_no_object() -> None:
    assert verdict(odt(mimetype=ODT + b"-template"), T.ODT) is R.MALFORMED
    assert verdict(odt(mimetype=b"application/vnd.oasis.opendocument.spreadsheet"), T.ODT) is R.TYPE_UNKNOWN
    locked = MANIFEST.replace(b"/>", b"><encryption-data/></manifest>")
    assert verdict(odt(manifest=locked), T.ODT) is R.ENCRYPTED
    assert verdict(odt(text="<draw:object-ole xlink:href='x'/>"), T.ODT) is R.EMBEDDED_FILE


def test_a_text_document_stands_alone_in_its_file() -> None:
    for kind, good in ((T.DOCX, docx()), (T.ODT, odt())):
        assert verdict(good + b"<script>", kind) is R.POLYGLOT
        assert verdict(good[:-2] + b"\x03\x00abc", kind) is R.POLYGLOT, "with a comment"
        assert verdict(b"GIF89a" + good, kind) is not None
        assert verdict(good[:-30], kind) in (R.MALFORMED, R.POLYGLOT)
    assert verdict(packed(("word/document.xml", b"<x/>")), T.DOCX) is R.MALFORMED


def test_a_text_document_is_not_opened_beyond_all_measure() -> None:
    assert verdict(docx(("word/media/a.bmp", bytes(5 * 2**20))), T.DOCX) is R.BOMB
    assert verdict(docx(("word/media/a.bmp", bytes(2**20))), T.DOCX) is None
    many = [(f"word/{number}.bin", b"") for number in range(2100)]
    assert verdict(docx(*many), T.DOCX) is R.BOMB
    with pytest.warns(UserWarning, match="Duplicate"):
        twice = packed(("[Content_Types].xml", TYPES), ("word/document.xml", b"<x/>"), ("word/document.xml", b"<y/>"))
    assert verdict(twice, T.DOCX) is R.MALFORMED


def test_an_archive_that_lies_about_its_sizes_is_refused() -> None:
    data = bytearray(docx(("word/media/a.bmp", b"\x01" * 5000)))
    place = data.rfind(b"PK\x01\x02")
    data[place + 24 : place + 28] = (100).to_bytes(4, "little")
    assert verdict(bytes(data), T.DOCX) is R.MALFORMED
    data[place + 8] |= 1
    assert verdict(bytes(data), T.DOCX) is R.ENCRYPTED


# --- anything at all --------------------------------------------------------------------------------------

HEADS = st.sampled_from(
    [b"", b"%PDF-1.7\n", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"PK\x03\x04", docx()[:60], odt()[:60]]
)


@settings(max_examples=400)
@given(head=HEADS, data=st.binary(max_size=400), kind=st.sampled_from(T))
def test_no_bytes_make_it_fail(head: bytes, data: bytes, kind: DocumentType) -> None:
    found = verdict(head + data, kind)
    assert found is None or found in set(R)
    if found is None:
        assert sniff(head + data) is kind


@settings(max_examples=400)
@given(
    kind=st.sampled_from(T), place=st.integers(0, 10_000), piece=st.binary(min_size=1, max_size=8), cut=st.booleans()
)
def test_no_damage_to_a_good_file_makes_it_fail(kind: DocumentType, place: int, piece: bytes, cut: bool) -> None:
    good = GOOD[kind]
    at = place % len(good)
    damaged = good[:at] + piece + (b"" if cut else good[at + len(piece) :])
    found = verdict(damaged, kind)
    assert found is None or found in set(R)


@given(text=st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Cs"]), min_size=1))
def test_a_text_is_stored_or_it_looks_like_something_else(text: str) -> None:
    assert verdict(text.encode(), T.TEXT) in (None, R.MARKUP, R.TYPE_UNKNOWN, R.EXECUTABLE)
