"""Commands that deploy a finished run's model: export and serve."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from harness.cli.app import app
from harness.environment import prepare_libraries
from harness.errors import UserError
from harness.output import console

CHECKED_ON = 200


@app.command(
    epilog="""Examples:\n
    harness export runs/demo/boolq/minilm/seed-0 --to folder my-model\n
    harness export runs/demo/boolq/minilm/seed-0 --to onnx my-model-onnx --int8\n
    harness export runs/demo/boolq/minilm/seed-0 --to hub me/my-model --licence apache-2.0 --dry-run"""
)
def export(
    run: Annotated[Path, typer.Argument(help="The folder of one run.")],
    destination: Annotated[str, typer.Argument(help="A new folder, or OWNER/NAME on the Hub.")],
    to: Annotated[
        Literal["folder", "onnx", "hub"],
        typer.Option(help="A stock checkpoint, an ONNX graph for onnxruntime, or a repository on the Hub."),
    ],
    precision: Annotated[Literal["fp32", "int8"], typer.Option(help="Precision of the ONNX graph's weights.")] = "fp32",
    int8: Annotated[bool, typer.Option("--int8", help="Same as --precision int8.")] = False,
    licence: Annotated[
        str | None,
        typer.Option(help="Licence of the model, as the Hub spells it. Default: the one on the base model's card."),
    ] = None,
    examples: Annotated[
        int, typer.Option(help="Check the export against the run on this many validation examples; 0: no check.", min=0)
    ] = CHECKED_ON,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be pushed to the Hub, and push nothing.")
    ] = False,
    private: Annotated[bool, typer.Option("--private", help="Make the new repository on the Hub private.")] = False,
) -> None:
    """Export a finished run's model for use elsewhere, and check that it answers as the run does.

    harness predict and harness serve accept the exported folder in place of a run's.
    """
    prepare_libraries()
    chosen: Literal["fp32", "int8"] = "int8" if int8 else precision
    _check_options(to, chosen, dry_run=dry_run, private=private)
    from harness.runs.exported import recorded  # noqa: PLC0415 -- a command's own

    recorded(run)  # A mistake is told before torch is imported.
    from harness.export.hub import check_access, check_repository, contents, push  # noqa: PLC0415 -- heavy
    from harness.export.writing import Wanted, export_to, exported  # noqa: PLC0415 -- heavy

    form: Literal["folder", "onnx"] = "onnx" if to == "onnx" else "folder"
    name = Path(destination).name
    wanted = Wanted(run, form, chosen, licence=licence, examples=examples, name=name)
    shown = console()
    if to != "hub":
        check = export_to(wanted, Path(destination))
    else:
        check_repository(destination)
        if not dry_run:
            check_access(destination)
        with exported(wanted) as (folder, check):
            if dry_run:
                for line in contents(folder, destination):
                    shown.print(line, soft_wrap=True)
                return
            destination = push(folder, destination, private=private)
    if check is not None:
        shown.print(check.table(f"{to} {chosen}" if to == "onnx" else to))
        shown.print(str(check), soft_wrap=True)
    shown.print(f"Exported to {destination}{'' if check is not None else ', unchecked'}.", soft_wrap=True)


def _check_options(to: str, precision: str, *, dry_run: bool, private: bool) -> None:
    """Reject options that do not apply to this kind of export.

    Raises:
        UserError: If one is given.
    """
    if precision != "fp32" and to != "onnx":
        raise UserError(
            f"harness export: --precision {precision} is for an ONNX graph. Add --to onnx, or leave it out."
        )
    for option, given in (("--dry-run", dry_run), ("--private", private)):
        if given and to != "hub":
            raise UserError(f"harness export: {option} is for the Hub. Add --to hub, or leave it out.")


@app.command(
    epilog="""Examples:\n
    harness serve runs/demo/boolq/minilm/seed-0\n
    harness serve runs/demo/boolq/minilm/seed-0 --compare my-model-onnx --port 9000"""
)
def serve(
    run: Annotated[Path, typer.Argument(help="The folder of a run, or of an export.")],
    compare: Annotated[
        Path | None, typer.Option(help="A second run or export to compare with, given the same input.")
    ] = None,
    port: Annotated[int, typer.Option(help="Port to listen on; 0: any free port.", min=0, max=65535)] = 8000,
    host: Annotated[
        str, typer.Option(help="Address to listen on. By default, only this machine can reach it.")
    ] = "127.0.0.1",
) -> None:
    """Serve a finished run's model on a local page and over HTTP: POST /api/predict with {"rows": [{COLUMN: TEXT}]}."""
    prepare_libraries()
    from harness.runs.exported import recorded  # noqa: PLC0415 -- a command's own

    try:
        import starlette  # noqa: F401, PLC0415 -- of an extra
        import uvicorn  # noqa: F401, PLC0415 -- of an extra
    except ImportError as error:
        extra = "pip install 'finetune-harness[serve]'"
        raise UserError(f"{error.name}: harness serve needs packages that are not installed. Run: {extra}") from error
    runs = [run] if compare is None else [run, compare]
    records = [recorded(folder)[0] for folder in runs]  # A mistake is told before torch is imported.
    for folder, record in zip(runs, records, strict=True):
        console(stderr=True).print(f"Loading {record.model} for {record.task} from {folder} …", soft_wrap=True)
    from harness.serving.server import serve_here  # noqa: PLC0415 -- heavy

    shown = console()
    serve_here(
        runs,
        host=host,
        port=port,
        started=lambda url: shown.print(f"{url}  (press Ctrl-C to stop)", soft_wrap=True),
    )
