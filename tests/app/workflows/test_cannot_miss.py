"""Textbook emergencies raise an alarm through the real reader; denied, past and chronic ones do not."""

from pathlib import Path

import pytest

from app.workflows.diagnose import DiagnosisService
from knowledge_graph.findings.finding import Sex

AGE_DAYS = 65 * 365
EMERGENCIES = """Sudden right arm weakness and slurred speech
Sudden dysarthria and facial palsy
Sudden left-sided weakness and dysarthria
Sudden weakness of the left leg and facial droop
Facial droop and arm weakness
left hemiparesis since this morning and aphasia
stroke this morning
septic shock and lactate 6
sepsis
in shock, cold and clammy
cardiogenic shock
Acute myocardial infarction, ST elevation
STEMI
Acute coronary syndrome
Massive pulmonary embolism on CT
Diabetic ketoacidosis
comatose
hypoglycaemic coma
Cardiac arrest, resuscitated
acute respiratory failure
respiratory arrest
hypoxemia, saturation 82 %
bacterial meningitis
acute appendicitis
acute abdomen
intestinal obstruction
small bowel obstruction on CT
intestinal ischemia
acute pancreatitis
agranulocytosis on carbimazole
acute kidney injury
acute kidney injury with anuria
pericardial effusion with hypotension
aortic rupture
hypertensive crisis
65-year-old man with a history of hypertension presents with septic shock
Woman with chronic kidney disease admitted with respiratory failure
Type 2 diabetes for 10 years, in shock
Chronic heart failure, brought in comatose
COPD for twenty years, admitted with pulmonary embolism
He has had back pain for 5 years and today suffered a cardiac arrest
Woman with a history of diabetes was found comatose
History of diabetes, now in shock
History of COPD, today cardiac arrest
History of asthma and was admitted with respiratory arrest
neutropenia with fever
suicidal""".splitlines()
HARMLESS = """No stroke, no weakness
History of stroke in 2015
Past medical history: myocardial infarction, pulmonary embolism
He had a stroke five years ago
Previous appendicitis
History of diabetic ketoacidosis
Father had a myocardial infarction
Mother with stroke and brother with pulmonary embolism
Her grandfather died of cardiac arrest
No sign of shock
No respiratory failure
Denies suicidal thoughts
Rule out meningitis
If she becomes unconscious call us
Risk of pulmonary embolism explained
Progressive limb muscle weakness and dysarthria since childhood
Slowly progressive weakness of both arms and slurred speech over 3 years
ALS with dysarthria, arm weakness and fasciculations for two years
Cerebral palsy with spastic hemiparesis and dysarthria
Congenital facial diplegia and dysarthria
Chronic dysarthria and ataxia
Duchenne muscular dystrophy with proximal muscle weakness
Bell's palsy with facial weakness
Chronic kidney disease
Sleep apnoea
Cough and runny nose for three days
Electric shock feeling in both legs
Suffered an electric shock at work
Previously admitted with pulmonary embolism
Previously found to be in shock
A stroke was found five years ago
History of stroke and cardiac arrest
She was shocked by the news""".splitlines()


@pytest.fixture(scope="module")
def service(public_cache: Path) -> DiagnosisService:
    return DiagnosisService.load(public_cache, with_text=False)


def alarms(service: DiagnosisService, text: str) -> list[str]:
    asked = service.presentation_of_text(text, sex=Sex.MALE, age=AGE_DAYS)
    return [alert.rule_id for alert in service.trace(asked).alerts]


@pytest.mark.parametrize("text", EMERGENCIES)
def test_a_textbook_emergency_is_not_missed(service: DiagnosisService, text: str) -> None:
    assert alarms(service, text)


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_denied_past_chronic_or_of_others_raises_no_alarm(
    service: DiagnosisService, text: str
) -> None:
    assert alarms(service, text) == []


def test_what_a_note_calls_past_and_new_is_new(service: DiagnosisService) -> None:
    assert "stroke" in alarms(service, "He had a stroke five years ago. Another stroke this morning.")
    assert "stroke" in alarms(service, "Hypertension for ten years. Stroke today.")
