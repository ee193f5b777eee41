"""Run import-linter over several source trees, one after the other.

A program of its own, because the linter finds packages by import and the interpreter of the tests has the
real ones loaded; one process for all trees, because starting it costs more than a check does.

    python lint_trees.py TREE...     prints a line `tree TREE` and the linter's report, for each TREE
"""

from __future__ import annotations

import os
import sys

from importlinter.cli import lint_imports

if __name__ == "__main__":
    for tree in sys.argv[1:]:
        sys.stdout.write(f"\ntree {tree}\n")
        sys.stdout.flush()
        os.chdir(tree)
        lint_imports(no_cache=True, no_logo=True)
