"""Run all jobs behind a progress bar, and print one table."""

import re
from collections.abc import Callable
from time import perf_counter

from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from threadpoolctl import threadpool_limits

from . import classification, regression, unbalanced
from .result import Result

JOBS: list[tuple[str, Callable[[], Result]]] = [
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
]


def run(console: Console) -> list[Result]:
    """The results of all jobs: behind a progress bar on a terminal, with a line for each elsewhere."""
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    results = []
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=len(JOBS))
        for number, (title, job) in enumerate(JOBS, 1):
            progress.update(task, description=title)
            if not console.is_terminal:
                console.print(f"{number}/{len(JOBS)} {title}")
            results.append(job())
            progress.advance(task)
    return results


def table(results: list[Result], seconds: float) -> Table:
    """One row for each job."""
    shown = Table(
        box=box.HORIZONTALS,
        show_lines=True,
        padding=(0, 1, 0, 0),
        title="Trained with fastloss on three quarters of real data, scored on the last quarter",
        caption="Times are of one call for loss and gradient of all training rows. MAE and RMSLE: less is better.\n"
        f"Rare classes: mean scores of {unbalanced.DRAWS} draws. All jobs together: {seconds:.0f} s.",
    )
    shown.add_column("loss")
    shown.add_column("data set,\nn x features")
    shown.add_column("metric")
    shown.add_column("score", justify="right", no_wrap=True)
    shown.add_column("reference", overflow="fold")
    shown.add_column("fastloss / NumPy", justify="right", no_wrap=True)
    for r in results:
        shown.add_row(
            re.sub("(?<=[a-z])(?=[A-Z])", " ", type(r.loss).__name__).lower(),
            f"{r.data.name}\n{' x '.join(map(str, r.data.x.shape))}",
            r.metric,
            f"{r.score:.4f}",
            f"{r.reference_score:.4f}\n{r.reference}",
            str(r.timing),
        )
    return shown


def main() -> None:
    """Run everything."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=120)  # a file or a pipe has no width of its own; the usual 80 would break the rows
    start = perf_counter()
    # The matrices are small: a second BLAS thread costs more in waiting than it saves, above all on a busy machine.
    with threadpool_limits(1, user_api="blas"):
        results = run(console)
    console.print(table(results, perf_counter() - start))


if __name__ == "__main__":
    main()
