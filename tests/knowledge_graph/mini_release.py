"""A made-up ontology and three diseases that fit on a screen.

All ── Abnormality ─┬─ Seizure ── Focal seizure
                    ├─ Fever
                    └─ Rash ── Itchy rash
"""

from pathlib import Path

from knowledge_graph.graph.compilation import compile_release
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.sources.hpo_release import HpoRelease, find_release

OBO = """format-version: 1.2
data-version: hp/releases/2000-01-01

[Term]
id: HP:0000001
name: All

[Term]
id: HP:0000118
name: Phenotypic abnormality
is_a: HP:0000001 ! All

[Term]
id: HP:0000010
name: Seizure
alt_id: HP:0000910
def: "A \\"fit\\"." []
synonym: "Fits" EXACT layperson []
synonym: "Old fits" EXACT obsolete_synonym []
is_a: HP:0000118 ! Phenotypic abnormality

[Term]
id: HP:0000011
name: Focal seizure
is_a: HP:0000010 ! Seizure

[Term]
id: HP:0000020
name: Fever
is_a: HP:0000118 ! Phenotypic abnormality

[Term]
id: HP:0000030
name: Rash
is_a: HP:0000118 ! Phenotypic abnormality

[Term]
id: HP:0000031
name: Itchy rash
is_a: HP:0000030 ! Rash

[Term]
id: HP:0000920
name: obsolete Pyrexia
is_obsolete: true
replaced_by: HP:0000020

[Term]
id: HP:0003581
name: Adult onset
is_a: HP:0000001 ! All
"""

_HEADER = (
    "database_id\tdisease_name\tqualifier\thpo_id\treference\tevidence\tonset\tfrequency\tsex\tmodifier"
    "\taspect\tbiocuration"
)
_ROWS = [
    "OMIM:1\tFit disease\t\tHP:0000011\tPMID:1\tPCS\t\t8/10\t\t\tP\t-",
    "OMIM:1\tFit disease\t\tHP:0000011\tPMID:2\tPCS\t\t1/2\t\t\tP\t-",
    "OMIM:1\tFit disease\t\tHP:0000020\tOMIM:1\tTAS\t\t\t\t\tP\t-",
    "OMIM:2\tRash disease\t\tHP:0000031\tPMID:3\tPCS\t\tHP:0040281\t\t\tP\t-",
    "OMIM:2\tRash disease\t\tHP:0000920\tPMID:3\tPCS\t\t25%\t\t\tP\t-",
    "OMIM:2\tRash disease\t\tHP:0003581\tPMID:3\tPCS\t\t\t\t\tC\t-",
    "ORPHA:3\tNo-fit disease\tNOT\tHP:0000010\tORPHA:3\tTAS\t\t\t\t\tP\t-",
    "ORPHA:3\tNo-fit disease\t\tHP:0000030\tORPHA:3\tTAS\t\t0/5\t\t\tP\t-",
    "ORPHA:3\tNo-fit disease\t\tHP:0000020\tORPHA:3\tTAS\t\t\tMALE\t\tP\t-",
]
HPOA = "#description: made up\n" + _HEADER + "\n" + "\n".join(_ROWS) + "\n"
GENES = "ncbi_gene_id\tgene_symbol\thpo_id\thpo_name\tfrequency\tdisease_id\n"
GENES += "1\tFIT1\tHP:0000010\tSeizure\t-\tOMIM:1\n"


def write_mini_release(folder: Path, *, obo: str = OBO, hpoa: str = HPOA, genes: str = GENES) -> HpoRelease:
    """Write the three files and find them again."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "hp.obo").write_text(obo, "utf-8")
    (folder / "phenotype.hpoa").write_text(hpoa, "utf-8")
    (folder / "genes_to_phenotype.txt").write_text(genes, "utf-8")
    return find_release(folder)


def mini_graph(folder: Path) -> CompiledGraph:
    """The compiled mini ontology."""
    return compile_release(write_mini_release(folder))
