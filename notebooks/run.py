"""Executes every notebook of this folder from its first cell to its last, as a reader would.

Usage: python run.py MEDREC   (the command that the notebooks call). Ends with a line that `cargo xtask test` counts.

A notebook fails when a cell fails, when it was committed with outputs, or when it draws no plot.
"""

import os
import sys
import tempfile
from pathlib import Path

import nbclient
import nbformat

# Seconds a cell; the first one makes a population and releases it with a program that is not optimised.
TIMEOUT_S = 900


def is_stripped(notebook):
    """Outputs belong to the machine that made them."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return all(not cell.outputs and cell.execution_count is None for cell in cells)


def check(path):
    """Runs one notebook in a folder of its own."""
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert is_stripped(notebook), "it was committed with outputs"
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TMPDIR"] = folder
        nbclient.NotebookClient(
            notebook, timeout=TIMEOUT_S, kernel_name="python3", resources={"metadata": {"path": folder}}
        ).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert not is_stripped(notebook), "no cell was executed"
    assert any("image/png" in output.get("data", {}) for output in outputs), "it draws nothing"


def main():
    os.environ["MEDREC"] = str(Path(sys.argv[1]).resolve())
    passed, failed = 0, 0
    for path in sorted(Path(__file__).parent.glob("*.ipynb")):
        try:
            check(path)
            passed += 1
        except Exception as problem:  # Each notebook says on its own what it found.
            failed += 1
            print(f"{path.name}: {type(problem).__name__}: {problem}", file=sys.stderr)
    print(f"test result: {'FAILED' if failed else 'ok'}. {passed} passed; {failed} failed; 0 ignored")
    return 1 if failed or not passed else 0


sys.exit(main())
