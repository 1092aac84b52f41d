"""`python -m fastloss`: versions for a bug report, pictures of losses, and which loss to choose."""

import argparse
import difflib
import sys
from collections.abc import Sequence
from pathlib import Path

import fastloss
from fastloss._choose import ACTIVATIONS, TASKS, Choice

EXAMPLES = """examples:
  python -m fastloss choose multi-label sigmoid
  python -m fastloss plot losses.png
  python -m fastloss plot bce.svg bce
  python -m fastloss show-versions
"""
FOCAL, MARGIN = "focal", "margin"
"""The names of the pictures of focal losses for several gammas, and of losses over the margin."""


def losses() -> dict[str, fastloss.Loss]:
    """The losses by every name that they are exported under."""
    return {name: value for name, value in vars(fastloss).items() if isinstance(value, fastloss.Loss)}


def meant(name: str) -> str:
    """The name of a picture, from a name in any case, or from that of a class."""
    known = {key: key for key in (*losses(), FOCAL, MARGIN)}
    known |= {type(loss).__name__.lower(): key for key, loss in losses().items()}
    if name.lower() not in known:
        near = difflib.get_close_matches(name.lower(), known, 1)
        hint = f"did you mean {known[near[0]]}? " if near else ""
        raise ValueError(f"plot: no picture of {name}; {hint}expected one or more of {', '.join(losses())}, or {FOCAL} "
                         f"or {MARGIN} alone")  # fmt: skip
    return known[name.lower()]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m fastloss", description=__doc__, epilog=EXAMPLES,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("--version", action="version", version=f"fastloss {fastloss.__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("show-versions", help="print what a bug report needs")
    plot = commands.add_parser("plot", help="draw losses into a file",
                               description="Draw losses into a file: without names those of regression and those of "
                               "yes and no, with one name that loss, its gradient and its Hessian.")  # fmt: skip
    plot.add_argument("file", metavar="OUT.png", help="the file; the suffix selects the format: .png, .svg, .pdf")
    plot.add_argument(
        "losses", metavar="LOSS", nargs="*", default=[], help=f"{', '.join(losses())}; or {FOCAL}, or {MARGIN}"
    )
    choose = commands.add_parser("choose", help="which loss for which task and last layer",
                                 description="Names the losses for a task and a last layer. Prompts for what is "
                                 "missing when run in a terminal.")  # fmt: skip
    for name, what in (("task", "; ".join(TASKS)), ("activation", f"of the last layer: {', '.join(ACTIVATIONS)}")):
        choose.add_argument(name, metavar=name.upper(), nargs="?", help=what)
        choose.add_argument(f"--{name}", dest=f"{name}_too", metavar=name.upper(), help="the same")
    given = parser.parse_args(arguments)
    try:
        if given.command == "show-versions":
            fastloss.show_versions()
        elif given.command == "plot":
            draw(given.file, given.losses)
        else:
            for one, other in ((given.task, given.task_too), (given.activation, given.activation_too)):
                if one and other:
                    raise ValueError(f"choose: {one!r} and {other!r} are given for the same; expected one")
            report(ask(given.task_too or given.task, given.activation_too or given.activation))
    except (ValueError, ImportError, OSError) as error:
        print(f"python -m fastloss: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print()
        return 130
    return 0


def ask(task: str | None, activation: str | None) -> Choice:
    """The choice; at a terminal what is not given is asked for, and an empty answer leaves it open."""
    fastloss.choose(task=task, activation=activation)  # an unknown name is an error before anything is asked
    if sys.stdin.isatty():
        if task is None:
            task = _answer("What is to be learned?", [*TASKS], "task")
        if activation is None:
            activation = _answer("What is the last layer's activation?", [*ACTIVATIONS], "activation")
    return fastloss.choose(task=task, activation=activation)


def _answer(question: str, names: list[str], argument: str) -> str | None:
    """A name, or its number; asked for again where it is neither."""
    print(question)
    for number, name in enumerate(names, 1):
        print(f"  {number}  {name}")
    while True:
        try:
            said = input("number or name, empty if open: ").strip()
        except EOFError:
            return None
        if said.isdecimal() and 1 <= int(said) <= len(names):
            return names[int(said) - 1]
        try:
            fastloss.choose(**{argument: said or None})
        except ValueError as error:
            print(str(error).removeprefix("choose: "))
        else:
            return said or None


def report(choice: Choice) -> None:
    """Print warnings, then suggestions."""
    for warning in choice.warnings:
        _print(f"warning: {warning}")
    _print("\nimport fastloss\n" if choice.warnings else "import fastloss\n")
    for suggestion in choice.suggestions:
        _print(f"{suggestion.code}\n    # {suggestion.reason}")


def _print(text: str) -> None:
    """Print, without the signs that the terminal's encoding does not have."""
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = text.replace("−", "-").replace("∞", "inf")
    print(text)


def draw(file: str, names: list[str]) -> None:
    """Draw the losses of these names into a file."""
    names, known = [meant(name) for name in names], losses()
    if {FOCAL, MARGIN} & {*names} and len(names) > 1:
        raise ValueError(f"plot: no picture of {' '.join(names)}, expected one: {FOCAL} or {MARGIN} alone")
    import fastloss.plot as plot  # Matplotlib, which the other commands do without

    parts, (width, height) = 1 if names else 2, plot.SIZE
    figure = plot.Figure(figsize=(parts * width, height), layout="constrained")  # of no window, whatever the backend
    axes, formats = figure.subplots(1, parts, squeeze=False)[0], figure.canvas.get_supported_filetypes()
    if Path(file).suffix[1:].lower() not in formats:
        raise ValueError(f"plot: the file is {file!r}, expected one that ends in .{', .'.join(sorted(formats))}")
    if names == [FOCAL]:
        plot.plot_focal(ax=axes[0])
    elif names == [MARGIN]:
        plot.plot_margin(axes[0])
    elif len(names) == 1:
        plot.plot_loss(known[names[0]], axes[0])
    elif names:
        plot.plot_losses([known[name] for name in names], axes[0])
    else:
        plot.plot_losses(ax=axes[0])
        plot.plot_margin(axes[1])
    figure.savefig(file, dpi=200, bbox_inches="tight")


if __name__ == "__main__":
    sys.exit(main())
