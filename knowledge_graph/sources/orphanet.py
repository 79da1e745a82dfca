"""Reads Orphanet's product 4 (phenotypes of rare diseases, XML; orphadata.com, CC BY 4.0) as a pack.

No DTD and no entity is followed. Frequencies are the classes that Orphanet names in any language by number:
obligate, very frequent, frequent, occasional, very rare, excluded.
"""

from collections.abc import Iterator
from io import BytesIO
from typing import Any
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse

from knowledge_graph.errors import SourceRefused
from knowledge_graph.sources.association import FREQUENCY_CLASSES, Association, Frequency
from knowledge_graph.sources.knowledge_pack import KnowledgePack, PackDisease
from knowledge_graph.sources.pack_rows import row
from knowledge_graph.terms.term import DiseaseId

LICENCE = "CC BY 4.0, Orphadata (INSERM)"
ROOT = "JDBOR"
# HPOFrequency/@id of Orphadata, to HPO's frequency classes in the same order
_FREQUENCIES = dict(
    zip(("28419", "28405", "28412", "28426", "28433", "28440"), FREQUENCY_CLASSES.values(), strict=True)
)
_BY_NAME = {words.split(" (")[0]: (value, words) for value, words in FREQUENCY_CLASSES.values()}


def parse_orphanet(data: bytes, *, name: str, content_hash: str) -> KnowledgePack:
    """Every disorder with its phenotypes. Raises SourceRefused."""
    try:
        version, disorders = _read(data)
    except DefusedXmlException as error:
        raise SourceRefused(f"{name} holds a DTD or an entity, which is never followed; remove it") from error
    except (ParseError, LookupError, ValueError) as error:
        raise SourceRefused(f"{name} is not whole XML ({error}); fetch the file again") from error
    rows, places, diseases = [], [], []
    for number, element in enumerate(disorders, start=1):
        where = f"{name}, disorder {number}"
        disease = _disease(element, where)
        diseases.append(disease)
        for found in _rows(element, disease, where):
            rows.append(found)
            places.append(f"{where} ({disease.disease_id})")
    if not diseases:
        raise SourceRefused(f"{name} names no disorder; fetch Orphadata's product 4 (en_product4.xml)")
    return KnowledgePack(
        pack_id="orphanet",
        name="Orphanet phenotypes",
        version=version,
        licence=LICENCE,
        diseases=tuple(diseases),
        rows=tuple(rows),
        places=tuple(places),
        content_hash=content_hash,
        strict=False,
    )


def _read(data: bytes) -> tuple[str, list[Any]]:
    """The release's date and version, and its disorders with their phenotypes."""
    version, found, root = "", [], ""
    for event, element in iterparse(BytesIO(data), events=("start", "end"), forbid_dtd=True):
        if event == "start" and not root:
            root = element.tag
            version = " ".join(
                filter(None, (element.get("version", "").split(" ")[0], element.get("date", "")[:10]))
            )
        elif (
            event == "end"
            and element.tag == "Disorder"
            and element.find("HPODisorderAssociationList") is not None
        ):
            found.append(element)
    return (version, found) if root == ROOT else ("", [])


def _disease(element: Any, where: str) -> PackDisease:
    code, name = (element.findtext(tag, "").strip() for tag in ("OrphaCode", "Name"))
    if not code.isdigit() or not name:
        raise SourceRefused(f"{where} has no OrphaCode or no name; fetch the file again")
    return PackDisease(DiseaseId(f"ORPHA:{code}"), name, source=f"ORPHA:{code}")


def _rows(element: Any, disease: PackDisease, where: str) -> Iterator[Association]:
    for tie in element.iterfind("HPODisorderAssociationList/HPODisorderAssociation"):
        term = tie.findtext("HPO/HPOId", "").strip()
        if not term.startswith("HP:"):
            raise SourceRefused(f"{where} ({disease.disease_id}) has a phenotype without an HPO id")
        frequency = _frequency(tie.find("HPOFrequency"), f"{where} ({disease.disease_id})")
        yield row(disease, term, frequency, source=disease.source, pack_id="orphanet", estimate=False)


def _frequency(element: Any, where: str) -> Frequency:
    if element is None:
        return Frequency()
    said = element.findtext("Name", "").split(" (")[0].strip().lower()
    known = _BY_NAME.get(said) or _FREQUENCIES.get(element.get("id", ""))
    if known is None:
        raise SourceRefused(f"{where} has a frequency that is none of Orphanet's six classes")
    return Frequency(known[1], fraction=known[0])
