"""The same two rows in every form that a file of rows may have."""

import bz2
import gzip
import json
import lzma
import zipfile

import pyarrow

ROWS = [{"text": "a dull film", "label": "bad"}, {"text": "a witty film", "label": "good"}]
CSV = "text,label\na dull film,bad\na witty film,good\n"
LINES = "".join(json.dumps(row) + "\n" for row in ROWS)
PACKERS = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": lambda content: pyarrow.compress(content, codec="zstd", asbytes=True),
}
SQUAD = {
    "version": "v2.0",
    "data": [
        {"title": "Bern", "paragraphs": [
            {"context": "Bern is old.", "qas": [
                {"id": "1", "question": "What is old?", "answers": [{"text": "Bern", "answer_start": 0}]},
                {"id": "2", "question": "Who is young?", "is_impossible": True, "answers": [],
                 "plausible_answers": [{"text": "Bern", "answer_start": 0}]},
            ]},
            {"context": "It lies on a river.", "qas": []},
        ]},
        {"paragraphs": [{"context": "Basel too.", "qas": [
            {"id": "3", "question": "Which too?", "answers": [{"text": "Basel", "answer_start": 0}]},
        ]}]},
    ],
}  # fmt: skip
SENTENCES = "Bern\tB-LOC\nis\tO\n\nOld\tO\n"


def dataset():
    """The rows as a `datasets.Dataset` that names its labels."""
    from datasets import ClassLabel, Dataset, Features, Value

    named = Features({"text": Value("string"), "label": ClassLabel(names=["bad", "good"])})
    return Dataset.from_dict({"text": [row["text"] for row in ROWS], "label": [0, 1]}, features=named)


def zipped(file, *names, content=CSV):
    """An archive with files of these names, all with this content."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, content)
    return file


def spreadsheet(file, *rows, more=()):
    """A spreadsheet with rows on its first sheet, and more sheets of these names."""
    import openpyxl

    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for name in more:
        book.create_sheet(name)
    book.save(file)
    return file


def write_every_form(folder):
    """A file of every form and packing, in a folder; the files, by name."""
    texts = {
        "a.csv": CSV, "a.tsv": CSV.replace(",", "\t"), "a.txt": CSV, "a.jsonl": LINES, "a.ndjson": LINES,
        "a.json": json.dumps(ROWS), "squad.json": json.dumps(SQUAD),
        **{f"a{ending}": SENTENCES for ending in (".conll", ".iob", ".bio")},
    }  # fmt: skip
    for name, text in texts.items():
        (folder / name).write_text(text)
    for ending, pack in PACKERS.items():
        (folder / f"a.csv{ending}").write_bytes(pack(CSV.encode()))
    zipped(folder / "a.zip", "a.csv")
    spreadsheet(folder / "a.xlsx", ["text", "label"], *([row["text"], row["label"]] for row in ROWS))
    dataset().to_parquet(folder / "a.parquet")
    dataset().save_to_disk(folder / "saved")
    (folder / "saved" / "data-00000-of-00001.arrow").rename(folder / "a.arrow")
    dataset().to_pandas().to_feather(folder / "a.feather")
    return sorted(file for file in folder.iterdir() if file.is_file())
