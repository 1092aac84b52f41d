"""What the documentation makes at each build: figures, tables from the losses' own words, and formulas as MathML."""

import ast
import io
import re
from pathlib import Path

import latex2mathml.converter
import matplotlib
from matplotlib import pyplot as plt
from mkdocs.structure.files import File

import fastloss
from fastloss import plot
from fastloss._choose import ACTIVATIONS, LOSSES, TASKS

matplotlib.use("Agg")
ROOT = Path(__file__).resolve().parent.parent
INK = {"light": "#222222", "dark": "#e2e4e9"}
STYLE = {"font.size": 13, "svg.hashsalt": "fastloss", "svg.fonttype": "path", "savefig.transparent": True}


def module(loss):
    """The name of the page of a loss."""
    return loss.__module__.rpartition(".")[2]


# --- figures -----------------------------------------------------------------------------------------------------


def forms(loss):
    """The pictures of a loss: from predictions, and from logits where there is such a form."""
    return {f"{module(loss)}{suffix}": lambda form=form: plot.plot_loss(loss(), from_logits=form).figure
            for suffix, form in (("", False), ("-logits", True)) if loss.activation or not form}  # fmt: skip


FIGURES = {"losses": lambda: plot.plot_losses().figure, "focal": lambda: plot.plot_focal().figure}
FIGURES |= {name: draw for loss in LOSSES for name, draw in forms(loss).items()}


def on_files(files, config):
    """Add every figure, for light and for dark pages."""
    for shade, ink in INK.items():
        inked = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color")
        with matplotlib.rc_context(STYLE | dict.fromkeys(inked, ink)):
            for name, draw in FIGURES.items():
                file = io.StringIO()
                draw().savefig(file, format="svg", metadata={"Date": None})
                plt.close("all")
                files.append(File.generated(config, f"figures/{name}-{shade}.svg", content=file.getvalue()))
    return files


def _figure(name, page):
    up = "../" * page.file.src_uri.count("/")
    words, names = name.replace("_", " "), [name, f"{name}-logits"] if f"{name}-logits" in FIGURES else [name]
    kind = "{ .half }" if len(names) == 2 else ""
    return "\n".join(
        f"![{words}]({up}figures/{name}-{shade}.svg#only-{shade}){kind}" for shade in INK for name in names
    )


# --- tables ------------------------------------------------------------------------------------------------------


def decision_table():
    """Every loss in its own words."""
    lines = ["| when | loss | last layer |", "| --- | --- | --- |"]
    for loss in LOSSES:
        link = f"[`{loss.__name__}`](losses/{module(loss)}.md)"
        lines.append(f"| {loss.use} | {link} | {loss.activation or 'none'} |")
    return "\n".join(lines)


def activation_matrix():
    """What `choose` says of every task and last layer."""
    lines = ["| task | last layer | loss | beware |", "| --- | --- | --- | --- |"]
    for task in TASKS:
        for activation in ACTIVATIONS:
            suggestions, warnings = fastloss.choose(task=task, activation=activation)
            first = f"`{type(suggestions[0].loss).__name__}`"
            fits = len(warnings) < len(suggestions) or suggestions[0].loss.activation is None
            lines.append(f"| {task} | {activation} | {first if fits else '–'} | {'<br>'.join(warnings)} |")
    return "\n".join(lines)


def ulp_table():
    """The bounds that the tests enforce."""
    source = ast.parse((ROOT / "tests" / "test_ulp.py").read_text())
    (bounds,) = (ast.literal_eval(node.value) for node in source.body
                 if isinstance(node, ast.Assign) and node.targets[0].id == "BOUNDS")  # fmt: skip
    lines = ["| loss | loss | gradient | Hessian |", "| --- | ---: | ---: | ---: |"]
    for name, numbers in bounds.items():
        lines.append(f"| {name.replace('_logits', ', from logits')} | " + " | ".join(map(str, numbers)) + " |")
    return "\n".join(lines)


def decision_list():
    """The titles of the decisions."""
    paths = sorted((ROOT / "docs" / "decisions").glob("0*.md"))
    return "\n".join(f"* [{path.read_text().partition(chr(10))[0][2:]}]({path.name})" for path in paths)


TABLES = {
    "decision table": decision_table,
    "decision list": decision_list,
    "activation matrix": activation_matrix,
    "ulp table": ulp_table,
}


# --- pages -------------------------------------------------------------------------------------------------------


def _mathml(text, display):
    text = re.sub(r"\\log (?=[a-z\\])", r"\\log\\, ", text)  # MathML puts no space after a function
    return latex2mathml.converter.convert(text.strip(), display="block" if display else "inline")


def _formulas(text):
    """$$...$$ and $...$, outside code; a formula that begins a line would be a paragraph without the span."""
    text = re.sub(r"\$\$(.+?)\$\$", lambda m: f'<div class="formula">{_mathml(m[1], True)}</div>', text, flags=re.S)
    parts = re.split(r"(`[^`\n]+`)", text)
    parts[::2] = [
        re.sub(r"\$([^$\n]+)\$", lambda m: f"<span>{_mathml(m[1], False)}</span>", part) for part in parts[::2]
    ]
    return "".join(parts)


def on_page_markdown(markdown, page, config, files):
    """Fill in figures and tables, and turn formulas into MathML, which needs no script."""
    markdown = re.sub(r"<!-- figure: (\w+) -->", lambda m: _figure(m[1], page), markdown)
    markdown = re.sub(r"<!-- ([a-z ]+ (?:table|matrix|list)) -->", lambda m: TABLES[m[1]](), markdown)
    blocks = re.split(r"(^```.*?^```$)", markdown, flags=re.S | re.M)
    blocks[::2] = map(_formulas, blocks[::2])
    return "".join(blocks)
