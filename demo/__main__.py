"""Run all jobs behind a progress bar, and print one table and what else came out."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import numpy as np
from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from threadpoolctl import threadpool_limits

import fastloss as fl

from . import boosting, classification, large, regression, unbalanced
from .result import Result

JOBS: list[tuple[str, Callable[[], Any]]] = [
    ("softmax classifier of digits", classification.digits_softmax),
    ("network for digits", classification.digits_network),
    ("focal loss for rare digits", unbalanced.digits_focal),
    ("logistic regression of tumours", classification.cancer_logistic),
    ("focal loss for rare tumours", unbalanced.cancer_focal),
    ("margin classifier of tumours", classification.cancer_hinge),
    ("least squares for diabetes", regression.diabetes_squares),
    ("least absolute deviations for diabetes", regression.diabetes_median),
    ("Poisson regression of doctor visits", regression.visits_poisson),
    ("regression of investments over magnitudes", regression.investment_logarithms),
    ("boosting of doctor visits", boosting.visits),
    ("one large array", large.predictions),
]
ELEMENTWISE = (fl.BinaryCrossentropy(from_logits=True), fl.BinaryFocalCrossentropy(from_logits=True), fl.mse, fl.mae,
               fl.SquaredHinge(from_logits=True), fl.Poisson(from_logits=True), fl.msle)  # fmt: skip
CATEGORICAL = (fl.CategoricalCrossentropy(from_logits=True), fl.CategoricalFocalCrossentropy(from_logits=True))


@dataclass
class Outcome:
    """What all jobs gave: rows of the table, and paragraphs below it."""

    rows: list[Result] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    def take(self, found: Any) -> None:
        """Sort what a job gave."""
        for part in found if isinstance(found, tuple) else (found,):
            if isinstance(part, Result):
                self.rows.append(part)
            else:
                self.texts.append(str(part))


def compile_kernels() -> None:
    """What the first use of a loss on a machine costs is no part of the training times."""
    for loss in ELEMENTWISE:
        loss(np.array([1]), np.array([0.5]))
    for loss in CATEGORICAL:
        loss(np.array([0]), np.zeros((1, 2)))


def run(console: Console) -> Outcome:
    """The results of all jobs: behind a progress bar on a terminal, with a line for each elsewhere."""
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    outcome = Outcome()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=len(JOBS))
        for number, (title, job) in enumerate(JOBS, 1):
            progress.update(task, description=title)
            if not console.is_terminal:
                console.print(f"{number}/{len(JOBS)} {title}")
            outcome.take(job())
            progress.advance(task)
    return outcome


def table(results: list[Result]) -> Table:
    """One row for each job."""
    shown = Table(
        box=box.HORIZONTALS,
        show_lines=True,
        padding=(0, 1, 0, 0),
        title="Trained with fastloss on three quarters of real data, scored on the last quarter",
        caption="Training: seconds with fastloss / of the reference. One call: loss and gradient of all training\n"
        f"rows, fastloss / NumPy. MAE and RMSLE: less is better. Rare classes: {unbalanced.DRAWS} draws.",
    )
    shown.add_column("loss")
    shown.add_column("data set,\nn x features")
    shown.add_column("metric")
    shown.add_column("score", justify="right", no_wrap=True)
    shown.add_column("reference", overflow="fold")
    shown.add_column("training", justify="right", no_wrap=True)
    shown.add_column("one call", justify="right", no_wrap=True)
    for r in results:
        shown.add_row(
            re.sub("(?<=[a-z])(?=[A-Z])", " ", type(r.loss).__name__).lower(),
            f"{r.data.name}\n{' x '.join(map(str, r.data.x.shape))}",
            r.metric,
            f"{r.score:.4f}",
            f"{r.reference_score:.4f}\n{r.reference}",
            f"{r.seconds:.3f} /\n{r.reference_seconds:.3f} s",
            str(r.timing),
        )
    return shown


def main() -> None:
    """Run everything."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=120)  # a file or a pipe has no width of its own; the usual 80 would break the rows
    compile_kernels()
    start = perf_counter()
    # The matrices are small: a second BLAS thread costs more in waiting than it saves, above all on a busy machine.
    with threadpool_limits(1, user_api="blas"):
        outcome = run(console)
    console.print(table(outcome.rows))
    ours, theirs = sum(r.seconds for r in outcome.rows), sum(r.reference_seconds for r in outcome.rows)
    outcome.texts.append(f"Training of all rows of the table: fastloss {ours:.1f} s, references {theirs:.1f} s. "
                         f"Everything together: {perf_counter() - start:.0f} s.")  # fmt: skip
    for text in outcome.texts:
        console.print(f"\n{text}", highlight=False)


if __name__ == "__main__":
    main()
