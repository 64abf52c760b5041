"""Invented responses of an OAI-PMH server, and one that gives them page by page."""

from tests.replay import Answer, Query

RECORD = """
<record><header><identifier>oai:arXiv.org:{id}</identifier><datestamp>{changed}</datestamp>
<setSpec>cs</setSpec></header><metadata><arXiv xmlns="http://arxiv.org/OAI/arXiv/">
<id>{id}</id><created>{created}</created><updated>{updated}</updated><authors>
<author><keyname>Rook</keyname><forenames>Ada B.</forenames><suffix>Jr.</suffix></author>
<author><keyname>The Tide Collaboration</keyname></author></authors>
<title>{title}</title><categories>cs.RO 68T40 eess.SY</categories><comments>{comments}</comments>
<doi>10.1000/ABC, 10.1000/def</doi><abstract>  Of cups
 &amp; grips, a &lt; b.</abstract></arXiv></metadata></record>
"""
RAW_RECORD = """
<record><header><identifier>oai:arXiv.org:{id}</identifier><datestamp>{changed}</datestamp>
</header><metadata><arXivRaw xmlns="http://arxiv.org/OAI/arXivRaw/"><id>{id}</id>
<submitter>Ada Rook</submitter>{versions}<title>{title}</title>
<authors>Ada B. Rook (1) and Bo Lind ((1) Testtown)</authors><categories>cs.RO eess.SY</categories>
<comments>{comments}</comments><abstract>  Of cups.</abstract></arXivRaw></metadata></record>
"""
VERSION = (
    '<version version="v{n}"><date>{date}</date><size>9kb</size><source_type>{type}</source_type>'
    "</version>"
)
DELETED = """
<record><header status="deleted"><identifier>oai:arXiv.org:{id}</identifier>
<datestamp>2025-10-06</datestamp></header></record>
"""


def token(value: str) -> str:
    return (
        f"<resumptionToken expirationDate='2025-10-07T00:00:00Z'>{value}</resumptionToken>"
        if value
        else "<resumptionToken/>"
    )


def record(number: int = 1, template: str = RECORD, **values: str) -> str:
    usual = {
        "id": f"2510.{number:05}", "changed": "2025-10-06", "created": "2025-10-03",
        "title": f"Cups {number}", "comments": "9 pages", "versions": "", "updated": "",
    }  # fmt: skip
    return template.format(**usual | values)


def response(*records: str, verb: str = "ListRecords", head: str = "") -> str:
    namespace = 'xmlns="http://www.openarchives.org/OAI/2.0/"'
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>{head}<OAI-PMH {namespace}>'
        "<responseDate>2025-10-06T00:00:00Z</responseDate><request>https://example.org</request>"
        f"<{verb}>{''.join(records)}</{verb}></OAI-PMH>"
    )


def error(code: str, message: str = "No.") -> str:
    return response().replace(
        "<ListRecords></ListRecords>", f'<error code="{code}">{message}</error>'
    )


class Pages:
    """A server with pages of some records each; what it does on a page may be replaced."""

    def __init__(self, pages: int, size: int = 3, day: str = "2025-10-06") -> None:
        self.bodies = {
            number: response(
                *(record(number * 100 + n, changed=day) for n in range(size)),
                token(f"page {number + 1}" if number + 1 < pages else ""),
            )
            for number in range(pages)
        }
        self.odd: dict[int, Answer] = {}

    def __call__(self, path: str, query: Query) -> Answer | bytes:
        number = int(query.get("resumptionToken", "page 0").split()[1])
        if number in self.odd:
            return self.odd[number]
        if number not in self.bodies:
            return error("badResumptionToken").encode()
        return self.bodies[number].encode()
