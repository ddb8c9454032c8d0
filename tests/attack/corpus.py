"""G27: hostile documents, each made from a document that is taken in when the attack is left out."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from operator import mul
from pathlib import Path

FILES = sorted((Path(__file__).parent / "hostile").glob("*.xml"))
DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
EVIL = "http://127.0.0.1:9/evil"
XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'


@dataclass(frozen=True)
class Base:
    """A good document in two parts: its root's start tag without `>`, and the rest; `room` is its limit."""

    root: str
    attributes: str
    content: str
    room: int

    def xml(self, before: str = "", attribute: str = "", inside: str = "", after: str = "") -> str:
        start = f"{before}<{self.root} {attribute}{' ' if attribute else ''}{self.attributes}>"
        return f"{start}{self.content}{inside}</{self.root}>{after}"


Made = Iterator[tuple[str, str | bytes]]


def documents(base: Base) -> dict[str, bytes]:
    """Every hostile document of every family, by name; no two are the same."""
    found: dict[str, bytes] = {path.stem: path.read_bytes() for path in FILES}
    for family in FAMILIES:
        for name, text in family(base):
            label = f"{family.__name__}: {name}"
            assert label not in found, label
            found[label] = text.encode() if isinstance(text, str) else text
    return found


def doubtful(base: Base) -> dict[str, bytes]:
    """What the schema language itself allows anywhere: may be taken in, but must not make anybody fetch."""
    names = {
        "xsi:schemaLocation": f'{XSI} xsi:schemaLocation="urn:x {EVIL}.xsd"',
        "xsi:schemaLocation of no namespace": f'{XSI} xsi:noNamespaceSchemaLocation="{EVIL}.xsd"',
        "a schema in a file": f'{XSI} xsi:noNamespaceSchemaLocation="file:///etc/hostname"',
        "a namespace that nothing uses": f'xmlns:x="{EVIL}"',
    }
    found = {name: base.xml(attribute=attribute) for name, attribute in names.items()}
    found["a comment"] = base.xml(before=f'<!-- <!DOCTYPE x SYSTEM "{EVIL}"> -->')
    found["a comment of one megabyte"] = base.xml(before=f"<!--{'x' * 10**6}-->")
    found["a megabyte of space"] = base.xml(after=" " * 10**6)
    return {name: text.encode() for name, text in found.items()}


# --- entities and document types -------------------------------------------------------------------------

SYSTEMS = {
    "a file": "file:///etc/passwd",
    "a relative file": "../../etc/passwd",
    "a device": "file:///dev/zero",
    "a pipe of the process": "file:///proc/self/environ",
    "http": EVIL,
    "https": "https://127.0.0.1:9/evil",
    "ftp": "ftp://127.0.0.1:9/evil",
    "gopher": "gopher://127.0.0.1:9/_evil",
    "jar": "jar:http://127.0.0.1:9/evil!/x",
    "php": "php://filter/read=convert.base64-encode/resource=/etc/passwd",
    "expect": "expect://id",
    "data": "data:text/plain,evil",
    "a network share": r"\\127.0.0.1\evil",
}


def external_entities(base: Base) -> Made:
    for name, system in SYSTEMS.items():
        entity = f'<!DOCTYPE {base.root} [<!ENTITY x SYSTEM "{system}">]>'
        yield f"of {name} in text", DECLARATION + base.xml(before=entity, inside="&x;")
        yield f"of {name} in an attribute", DECLARATION + base.xml(before=entity, attribute='a="&x;"')
        parameter = f'<!DOCTYPE {base.root} [<!ENTITY % x SYSTEM "{system}"> %x;]>'
        yield f"of {name} as parameter", DECLARATION + base.xml(before=parameter)
        yield f"of {name} as DTD", DECLARATION + base.xml(before=f'<!DOCTYPE {base.root} SYSTEM "{system}">')
        public = f'<!DOCTYPE {base.root} PUBLIC "-//X//EN" "{system}">'
        yield f"of {name} as public DTD", DECLARATION + base.xml(before=public)


def document_types(base: Base) -> Made:
    inner = {
        "bare": "",
        "an entity that nothing uses": '[<!ENTITY a "b">]',
        "an entity that is used": '[<!ENTITY a "b">]',
        "a default attribute": f'[<!ATTLIST {base.root} SenderDomain CDATA "evil.example">]',
        "an element": f"[<!ELEMENT {base.root} ANY>]",
        "a notation": '[<!NOTATION n SYSTEM "/bin/sh">]',
        "an unparsed entity": '[<!NOTATION n SYSTEM "x"><!ENTITY e SYSTEM "/etc/passwd" NDATA n>]',
        "an instruction": "[<?php echo 1 ?>]",
        "a comment": "[<!-- -->]",
        "a conditional section": '[<![INCLUDE[<!ENTITY a "b">]]>]',
        "never closed": '[<!ENTITY a "b">',
    }
    for name, subset in inner.items():
        use = "&a;" if "is used" in name else ""
        yield name, base.xml(before=f"<!DOCTYPE {base.root} {subset}>", inside=use)
    yield "behind a comment", base.xml(before=f"<!-- --><!DOCTYPE {base.root}>")
    yield "behind the root", base.xml(after=f"<!DOCTYPE {base.root}>")
    yield "within the root", base.xml(inside=f"<!DOCTYPE {base.root}>")
    yield "in lower case", base.xml(before=f"<!doctype {base.root}>")


PERCENT = "&#37;"


def bombs(base: Base) -> Made:
    """Billion laughs and its relatives."""
    for depth, width in ((3, 100), (6, 20), (10, 10), (30, 2), (64, 2)):
        many = partial(mul, width)
        levels = "".join(f'<!ENTITY a{n + 1} "{many(f"&a{n};")}">' for n in range(depth))
        laughs = f'<!DOCTYPE {base.root} [<!ENTITY a0 "ha">{levels}]>'
        yield f"{width}^{depth} in text", base.xml(before=laughs, inside=f"&a{depth};")
        yield f"{width}^{depth} in an attribute", base.xml(before=laughs, attribute=f'a="&a{depth};"')
        percent = "".join(f'<!ENTITY % a{n + 1} "{many(PERCENT + f"a{n};")}">' for n in range(depth))
        yield (
            f"{width}^{depth} of parameters",
            base.xml(before=f'<!DOCTYPE {base.root} [<!ENTITY % a0 "ha">{percent} %a{depth};]>'),
        )
    half = base.room // 3
    for uses in (1000, half // 3):
        entity = f'<!DOCTYPE {base.root} [<!ENTITY a "{"x" * half}">]>'
        yield f"a long entity {uses} times", base.xml(before=entity, inside="&a;" * uses)
    for name, text in {"itself": "&a;", "each other": '&b;"><!ENTITY b "&a;'}.items():
        entity = f'<!DOCTYPE {base.root} [<!ENTITY a "{text}">]>'
        yield f"an entity of {name}", base.xml(before=entity, inside="&a;")


def entity_references(base: Base) -> Made:
    for text in ("&x;", "&", "&;", "&#;", "&#x;", "&#0;", "&#xFFFFFFFFF;", "&#xD800;", "&#xFFFE;", "%x;&y;"):
        yield f"{text} in text", base.xml(inside=text)
        yield f"{text} in an attribute", base.xml(attribute=f'a="{text}"')


# --- encodings -------------------------------------------------------------------------------------------

ENCODINGS = (
    *("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"),
    *("utf-7", "cp037", "cp500", "cp1026", "utf-8"),
)
LABELS = ("UTF-8", "UTF-16", "UTF-16LE", "UTF-32", "UTF-7", "EBCDIC-CP-US", "ISO-8859-1", "US-ASCII")


def encodings(base: Base) -> Made:
    for encoding in ENCODINGS:
        for label in LABELS:
            if (encoding, label) == ("utf-8", "UTF-8"):
                continue
            text = f'<?xml version="1.0" encoding="{label}"?>{base.xml()}'
            raw = text.encode(encoding)
            if encoding == "utf-7":
                raw = b"+ADw-" + text[1:].encode()  # the form that hides the brackets
            yield f"{encoding} under the label {label}", raw


def bytes_that_are_no_text(base: Base) -> Made:
    good = base.xml().encode()
    at = good.index(b" ")
    broken = {
        "overlong <": b"\xc0\xbc",
        "overlong in three bytes": b"\xe0\x80\xbc",
        "a surrogate": b"\xed\xa0\x80",
        "beyond Unicode": b"\xf4\x90\x80\x80",
        "five bytes": b"\xf8\x88\x80\x80\x80",
        "half a character": b"\xe2\x82",
        "Latin-1": b"\xe9",
        "NUL": b"\0",
        "escape": b"\x1b",
        "backspace": b"\x08",
        "not a character": b"\xef\xbf\xbf",
        "a mark in the middle": b"\xef\xbb\xbf",
    }
    for name, raw in broken.items():
        yield f"{name} in a tag", good[:at] + b' a="' + raw + b'"' + good[at:]
        yield f"{name} behind", good + raw
    yield "two marks", b"\xef\xbb\xbf\xef\xbb\xbf" + good


def other_formats(base: Base) -> Made:
    import bz2
    import gzip
    import lzma
    import zlib

    good = base.xml().encode()
    yield "gzip", gzip.compress(good, mtime=0)
    yield "a gzip bomb", gzip.compress(bytes(50 * 10**6), mtime=0)
    yield "deflate", zlib.compress(good)
    yield "bzip2", bz2.compress(good)
    yield "xz", lzma.compress(good)
    yield "zip", b"PK\x03\x04" + good
    yield "JSON", b'{"SignedMessage": {"Body": "AAAA"}}'
    yield "a form", b"SenderDomain=a.example&Body=AAAA"
    yield "pickle", b"\x80\x04\x95\x00\x00\x00\x00cos\nsystem\n."
    yield "YAML", b"!!python/object/apply:os.system [id]"
    yield "HTML", b"<!doctype html><html><body><br></html>"
    yield "SOAP", b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body/></s:Envelope>'
    yield "XSLT", b'<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"/>'
    yield "SVG", b'<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>'
    yield "nothing", b" "
    yield "zeros", bytes(base.room)
    yield "brackets", b"<" * base.room


# --- what may not stand there ----------------------------------------------------------------------------


def declarations(base: Base) -> Made:
    bad = (
        '<?xml version="1.1"?>',
        '<?xml version="2.0"?>',
        '<?xml version=""?>',
        '<?xml encoding="UTF-8"?>',
        '<?xml version="1.0" encoding=""?>',
        '<?xml version="1.0" encoding="utf8"?>',
        '<?xml version="1.0" encoding="nonsense"?>',
        '<?xml version="1.0" standalone="maybe"?>',
        ' <?xml version="1.0"?>',
        "<?xml?>",
        DECLARATION * 2,
        f'<?xml-stylesheet type="text/xsl" href="{EVIL}.xsl"?>',
        "<?php system($_GET[0]) ?>",
        "<?xml-model href='x'?>",
        "<!-- -- -->",
        "<!-- ",
        "<![CDATA[x]]>",
        "x",
        "<a/>",
    )
    for text in bad:
        yield text, base.xml(before=text)


def structure(base: Base) -> Made:
    good = base.xml()
    for after in ("x", "<a/>", "&#32;", "<", "]]>", "</a>", f"<{base.root}/>", "\u0000"):
        yield f"{after!r} behind the root", good + after
    for cut in (1, 10, len(good) // 2, len(good) - 1):
        yield f"cut at {cut if cut < 20 else 'half' if cut < len(good) - 1 else 'the end'}", good[:cut]
    yield "not closed", good[: -len(base.root) - 3]
    yield "closed as another", good[: -len(base.root) - 3] + "</evil>"
    yield "in capitals", good.replace(base.root, base.root.upper())
    yield "within another", f"<a>{good}</a>"
    yield "twice", good + good
    yield "in a namespace", base.xml(attribute=f'xmlns="{EVIL}"')
    yield (
        "with a prefix",
        good.replace(f"<{base.root}", f'<x:{base.root} xmlns:x="{EVIL}"').replace(
            f"</{base.root}", f"</x:{base.root}"
        ),
    )
    yield "with a prefix of nothing", base.xml(inside="<x:a/>")
    yield "with text", base.xml(inside="x")
    yield "with CDATA", base.xml(inside="<![CDATA[x]]>")
    yield "with CDATA that never ends", base.xml(inside="<![CDATA[x")
    yield "with a comment that never ends", base.xml(inside="<!-- x")
    yield "with an instruction that never ends", base.xml(inside="<?x")
    yield "with an element of nobody", base.xml(inside="<evil/>")


def attributes_of_others(base: Base) -> Made:
    named = {
        "xml:base": f'xml:base="{EVIL}/"',
        "xml:lang": 'xml:lang="en"',
        "xml:space": 'xml:space="preserve"',
        "xml:id": 'xml:id="a"',
        "XInclude": 'xmlns:xi="http://www.w3.org/2001/XInclude" xi:href="file:///etc/passwd"',
        "XLink": f'xmlns:l="http://www.w3.org/1999/xlink" l:href="{EVIL}"',
        "another type": f'{XSI} xsi:type="xs:string"',
        "nil": f'{XSI} xsi:nil="true"',
        "nobody": 'evil="1"',
        "one given twice": f"{base.attributes.split(' ')[0]} {base.attributes.split(' ')[0]}",
        "a prefix of nothing": 'x:evil="1"',
        "another xml": 'xmlns:xml="urn:x"',
        "another xmlns": 'xmlns:xmlns="urn:x"',
        "no quotes": "evil=1",
        "no value": "evil",
        "a bracket": 'evil="<"',
    }
    for name, text in named.items():
        yield name, base.xml(attribute=text)
    for href in ("file:///etc/passwd", EVIL, ""):
        include = f'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{href}" parse="text"/>'
        yield f"an XInclude of {href or 'itself'}", base.xml(inside=include)


# --- size and shape --------------------------------------------------------------------------------------


def fill(base: Base, piece: str) -> str:
    """As many of a piece as there is room for; {n} counts."""
    count = (base.room - len(base.xml()) - 200) // len(piece.format(n=999_999))
    return "".join([piece.replace("{n}", str(n)) for n in range(count)]) if "{n}" in piece else piece * count


RETURN = "\r\n"
ISP = 'MaxPower="0" Start="1"/>'
WRONG = f'<ISP MinPower="x" {ISP}'


def floods(base: Base) -> Made:
    def inside(piece: str) -> str:
        return base.xml(inside=fill(base, piece))

    attributes = fill(base, 'a{n}="" ')
    yield "of attributes", base.xml(attribute=attributes)
    yield "of attributes of a child", base.xml(inside=f"<a {attributes}/>")
    yield "of the same attribute", base.xml(attribute=fill(base, 'a="" '))
    yield "of namespaces", base.xml(attribute=fill(base, 'xmlns:n{n}="u{n}" '))
    yield "of the same namespace", base.xml(attribute=fill(base, 'xmlns:n{n}="u" '))
    yield (
        "of namespaces in elements",
        inside("<a " + " ".join(f'xmlns:n{k}="u{k}"' for k in range(60)) + "/>"),
    )
    yield "of namespaces in depth", inside('<a xmlns:n{n}="u{n}">')
    yield "of prefixes of nothing", inside("<n{n}:a/>")
    yield "of elements", inside("<a/>")
    yield "of elements of many names", inside("<e{n}/>")
    yield "of text between elements", inside("<a/>x")
    yield "of wrong attributes", inside('<a b="" c="" d=""/>')
    yield "of wrong values", inside(WRONG)
    yield (
        "of right ones before wrong ones",
        base.xml(inside=f'<ISP MinPower="-1" {ISP}' * 4000 + WRONG * 30_000),
    )
    yield "of comments", inside("<!---->") + "x"
    yield "of instructions", base.xml(before=fill(base, "<?a?>"))
    yield "of CDATA", inside("<![CDATA[]]>") + "x"
    yield "of character references", base.xml(attribute='a="' + fill(base, "&#65;") + '"')
    yield "of character references in text", inside("&#65;")
    yield "of entities of XML", base.xml(attribute=f'a="{fill(base, "&amp;")}"')
    yield "of newlines", inside("\n") + "x"
    yield "of carriage returns in a value", base.xml(attribute=f'a="{fill(base, RETURN)}"')
    yield "of brackets that open", inside("<")
    yield "of brackets that close", inside("]]>")
    yield "of spaces within a tag", base.xml(attribute=fill(base, " ") + 'a=""')
    yield "of characters of four bytes", base.xml(inside="\U0001f4a3" * (base.room // 5))


def depths(base: Base) -> Made:
    for depth in (33, 257, 2000, 100_000):
        yield f"{depth:,}", base.xml(inside="<a>" * depth + "</a>" * depth)
        yield f"{depth:,} never closed", base.xml(inside="<a>" * depth)
    yield "of the root in itself", f"<{base.root}>" * 5000


def lengths(base: Base) -> Made:
    huge = "x" * (base.room - len(base.xml()) - 200)
    yield "of a name", base.xml(inside=f"<{huge}/>")
    yield "of a name of an attribute", base.xml(attribute=f'{huge}=""')
    yield "of a value", base.xml(attribute=f'a="{huge}"')
    yield "of a text", base.xml(inside=huge)
    yield "of a prefix", base.xml(attribute=f'xmlns:{huge}="u"')
    yield "of a namespace", base.xml(attribute=f'xmlns="{huge}"')
    yield "of a comment that never ends", base.xml(inside=f"<!--{huge}")
    yield "of a comment of dashes", base.xml(inside=f"<!--{'- ' * (len(huge) // 2)}")
    yield "of an instruction", base.xml(before=f"<?{huge}?>")
    yield "of a version", base.xml(before=f'<?xml version="{huge}"?>')
    yield "of an encoding", base.xml(before=f'<?xml version="1.0" encoding="{huge}"?>')
    yield "of a root's name", f"<{huge}/>"
    yield "of an entity's name", base.xml(inside=f"&{huge};")


FAMILIES: tuple[Callable[[Base], Made], ...] = (
    external_entities,
    document_types,
    bombs,
    entity_references,
    encodings,
    bytes_that_are_no_text,
    other_formats,
    declarations,
    structure,
    attributes_of_others,
    floods,
    depths,
    lengths,
)
