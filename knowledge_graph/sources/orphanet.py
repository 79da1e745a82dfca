"""Reads Orphanet's products (XML; orphadata.com, CC BY 4.0) as packs: 1, 4, 6 and both files of 9.

The product is told by what its disorders hold, not by the file's name. No DTD and no entity is followed.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse

from knowledge_graph.errors import SourceRefused
from knowledge_graph.sources.knowledge_pack import KnowledgePack, PackDisease
from knowledge_graph.sources.orphanet_disorder import (
    DisorderFacts,
    told_ages,
    told_genes,
    told_names,
    told_phenotypes,
    told_prevalence,
)
from knowledge_graph.terms.term import DiseaseId

LICENCE = "CC BY 4.0, Orphadata (INSERM)"
ROOT = "JDBOR"


@dataclass(frozen=True, slots=True)
class _Product:
    """`mark` is the list in a disorder that no other product has."""

    mark: str
    pack_id: str
    title: str
    file: str
    tell: Callable[[Any, PackDisease, str], DisorderFacts]


_PRODUCTS = (
    _Product(
        "HPODisorderAssociationList", "orphanet", "Orphanet phenotypes", "en_product4.xml", told_phenotypes
    ),
    _Product(
        "DisorderGeneAssociationList", "orphanet-genes", "Orphanet genes", "en_product6.xml", told_genes
    ),
    _Product("AverageAgeOfOnsetList", "orphanet-ages", "Orphanet ages", "en_product9_ages.xml", told_ages),
    _Product(
        "PrevalenceList",
        "orphanet-prevalence",
        "Orphanet prevalences",
        "en_product9_prev.xml",
        told_prevalence,
    ),
    _Product(
        "ExternalReferenceList", "orphanet-names", "Orphanet cross references", "en_product1.xml", told_names
    ),
)


def parse_orphanet(data: bytes, *, name: str, content_hash: str) -> KnowledgePack:
    """Every disorder of which the product tells something. Raises SourceRefused."""
    try:
        version = _version(data)
        return _pack(data, name, version, content_hash)
    except DefusedXmlException as error:
        raise SourceRefused(f"{name} holds a DTD or an entity, which is never followed; remove it") from error
    except (ParseError, LookupError, ValueError) as error:
        raise SourceRefused(f"{name} is not whole XML ({error}); fetch the file again") from error


def _pack(data: bytes, name: str, version: str | None, content_hash: str) -> KnowledgePack:
    product: _Product | None = None
    told: list[tuple[str, DisorderFacts]] = []
    disorders = _disorders(data) if version is not None else iter(())
    for number, element in enumerate(disorders, start=1):
        product = product or next((p for p in _PRODUCTS if element.find(p.mark) is not None), None)
        if product is not None and element.find(product.mark) is not None:
            where = f"{name}, disorder {number}"
            disease = _disease(element, where)
            found = product.tell(element, disease, f"{where} ({disease.disease_id})")
            told += [(f"{where} ({disease.disease_id})", found)] if found.says_something else []
        element.clear()
    if product is None:
        raise SourceRefused(
            f"{name} names no disorder of a product that is read: fetch Orphadata's 1, 4, 6 or 9"
        )
    if not told:
        raise SourceRefused(
            f"{name} tells nothing that is understood; fetch the English file, {product.file}"
        )
    return KnowledgePack(
        pack_id=product.pack_id,
        name=product.title,
        version=version or "",
        licence=LICENCE,
        diseases=tuple(found.disease for _, found in told),
        rows=tuple(row for _, found in told for row in found.rows),
        places=tuple(where for where, found in told for _ in found.rows),
        content_hash=content_hash,
        genes=tuple(gene for _, found in told for gene in found.genes),
        strict=False,
    )


def _version(data: bytes) -> str | None:
    """The release's version and date, or None where the root is another."""
    _, root = next(iterparse(BytesIO(data), events=("start",), forbid_dtd=True))
    if root.tag != ROOT:
        return None
    return " ".join(filter(None, (root.get("version", "").split(" ")[0], root.get("date", "")[:10])))


def _disorders(data: bytes) -> Iterator[Any]:
    for _, element in iterparse(BytesIO(data), events=("end",), forbid_dtd=True):
        if element.tag == "Disorder":
            yield element


def _disease(element: Any, where: str) -> PackDisease:
    code, name = (element.findtext(tag, "").strip() for tag in ("OrphaCode", "Name"))
    if not code.isdigit() or not name:
        raise SourceRefused(f"{where} has no OrphaCode or no name; fetch the file again")
    return PackDisease(DiseaseId(f"ORPHA:{code}"), name, source=f"ORPHA:{code}")
