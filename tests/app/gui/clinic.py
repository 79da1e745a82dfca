"""A small synthetic clinic for the window's tests: charts by hand, and a crowd for the list."""

from app.clinical.chart import ClinicalRecord
from app.clinical.ids import EncounterId, NoteId, PatientId, RecordId
from app.clinical.note import Note
from app.clinical.patient import Identifier, Patient
from app.clinical.record import (
    Condition,
    Encounter,
    FamilyMemberHistory,
    MedicationRequest,
    Observation,
    PhenotypicFeature,
    Procedure,
    Quantity,
    ReferenceRange,
)
from knowledge_graph.findings.finding import Finding, FindingState, Sex
from knowledge_graph.terms.term import TermId

MARFAN = PatientId("patient-marfan")
NOTE = NoteId("note-marfan-2")

_FIRST = """Cardiology outpatient clinic

Referred by the family doctor for a murmur heard at a school check-up. He is very tall for his age and has
long fingers. No chest pain, no syncope. The echocardiogram shows aortic root dilatation and mitral valve
prolapse with mild regurgitation. Blood pressure is normal.

Father died suddenly at 41; an aortic dissection was suspected. Mother healthy.

Plan: eye examination for ectopia lentis, genetics referral, repeat echocardiogram in six months.
"""

_SECOND = """Genetics clinic

History
This 14-year-old boy was referred with tall stature, arachnodactyly and a heart murmur. He has had scoliosis
since the age of nine and wears a brace. High myopia was found at six. He has never had seizures and there is
no intellectual disability. School performance is good.

Examination
Height above the 99th centile, arm span exceeds height. Pectus excavatum, pes planus, joint hypermobility.
Positive wrist and thumb signs. High palate with dental crowding. Skin striae over the lower back. No
hypertelorism, no cleft palate, uvula not bifid.

Investigations
Echocardiogram: aortic root aneurysm with a z-score of 4.1 and mitral valve prolapse. Slit lamp: bilateral
ectopia lentis. Homocysteine normal.

Assessment
The findings fit a connective tissue disorder with involvement of aorta, eyes and skeleton. FBN1 sequencing
was requested. The parents were told to avoid contact sports until the result is known.
"""


def marfan_records() -> tuple[ClinicalRecord, ...]:
    """One patient with everything a chart can hold."""
    who = MARFAN
    visit = Encounter(EncounterId("e1"), who, "Genetics clinic", "2024-05-14", "2024-05-14", "Tall stature")
    return (
        Patient(who, "Lindqvist, Jonas", "2010-02-11", Sex.MALE, "", (Identifier("urn:mrn", "MRN 204-118"),)),
        Encounter(
            EncounterId("e0"), who, "Cardiology outpatient", "2023-11-02", "2023-11-02", "Heart murmur"
        ),
        visit,
        Note(NoteId("note-marfan-1"), who, _FIRST, "Cardiology letter", "2023-11-02", None, "Dr. Weber"),
        Note(NOTE, who, _SECOND, "Genetics consultation", "2024-05-14", visit.id, "Dr. Okafor"),
        Condition(RecordId("c1"), who, "Myopia", onset="2016-03-01", clinical_status="active"),
        Observation(
            id=RecordId("o1"),
            patient_id=who,
            label="Aortic root diameter",
            effective_at="2024-05-14",
            quantity=Quantity(44.0, "mm"),
            reference_range=ReferenceRange(20.0, 36.0),
        ),
        Observation(
            id=RecordId("o2"),
            patient_id=who,
            label="Homocysteine, plasma",
            effective_at="2024-05-14",
            quantity=Quantity(8.2, "µmol/L"),
            reference_range=ReferenceRange(5.0, 15.0),
        ),
        MedicationRequest(
            RecordId("m1"), who, "Losartan 25 mg", authored_at="2024-05-14", dosage="once daily"
        ),
        Procedure(RecordId("p1"), who, "Echocardiography", performed_at="2024-05-14", status="completed"),
        FamilyMemberHistory(RecordId("f1"), who, "Father", ("Sudden death at 41",)),
        PhenotypicFeature(
            RecordId("x1"), who, Finding(TermId("HP:0001250"), FindingState.EXCLUDED), "Seizure"
        ),
    )


_NAMES = (
    "Abara",
    "Bianchi",
    "Castro",
    "Dufour",
    "Eriksen",
    "Farouk",
    "Grünwald",
    "Haddad",
    "Ibsen",
    "Jansen",
)
_GIVEN = ("Ada", "Bruno", "Chiara", "Dmitri", "Elif", "Femi", "Greta", "Hugo", "Inès", "Jun", "Kofi", "Lea")
_STORIES = (
    ("Neurology clinic", "Seizures since the age of two months, hypotonia and global developmental delay."),
    ("Nephrology clinic", "Hematuria and proteinuria with sensorineural hearing impairment. No cataract."),
    ("Metabolic clinic", "Hepatomegaly, hypoglycemia and failure to thrive. Lactic acidosis at admission."),
    ("Haematology clinic", "Splenomegaly, thrombocytopenia and bone pain. No fever."),
)


def crowd(count: int) -> tuple[ClinicalRecord, ...]:
    """Many plain patients; every second one has a note."""
    records: list[ClinicalRecord] = []
    for i in range(count):
        who = PatientId(f"patient-{i:05d}")
        name = f"{_NAMES[i % 10]}, {_GIVEN[(i // 10) % 12]}" + (f" {i // 120 + 1}" if i >= 120 else "")
        sex = Sex.FEMALE if i % 2 else Sex.MALE
        born = f"{1950 + (i * 7) % 70}-{1 + i % 12:02d}-{1 + i % 28:02d}"
        records.append(Patient(who, name, born, sex, "", (Identifier("urn:mrn", f"MRN {i:06d}"),)))
        if i % 2 == 0:
            title, text = _STORIES[(i // 2) % len(_STORIES)]
            day = f"2024-{1 + i % 12:02d}-{1 + i % 28:02d}"
            records.append(Note(NoteId(f"note-{i:05d}"), who, text, title, day))
    return tuple(records)
