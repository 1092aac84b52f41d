"""What the documentation makes at each build: figures, tables from the losses' own words, and formulas as MathML."""

import ast
import io
import re
from pathlib import Path

import latex2mathml.converter
import matplotlib
from matplotlib import pyplot as plt
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File

from fastloss import plot
from fastloss._choose import ACTIVATIONS, LOSSES, caveat, last_layer, misfit, name_of, suggest

matplotlib.use("Agg")
ROOT = Path(__file__).resolve().parent.parent
INK = {"light": "#222222", "dark": "#e2e4e9"}
STYLE = {"font.size": 13, "svg.hashsalt": "fastloss", "svg.fonttype": "path", "savefig.transparent": True}


def module(loss):
    """The name of the page of a loss."""
    return loss.__module__.rpartition(".")[2]


# --- navigation --------------------------------------------------------------------------------------------------


def on_config(config):
    """The page of every loss, under the heading that is kept for them."""
    pages = [{name_of(loss)[0].upper() + name_of(loss)[1:]: f"losses/{module(loss)}.md"} for loss in LOSSES]
    (heading,) = (entry for entry in config["nav"] if "The losses" in entry)
    heading["The losses"] = pages
    return config


# --- figures -----------------------------------------------------------------------------------------------------


def forms(loss):
    """The pictures of a loss: from predictions, and from logits where there is such a form."""
    return {f"{module(loss)}{suffix}": lambda form=form: plot.plot_loss(loss(), from_logits=form).figure
            for suffix, form in (("", False), ("-logits", True)) if loss.activation or not form}  # fmt: skip


FIGURES = {"losses": lambda: plot.plot_losses().figure, "margin": lambda: plot.plot_margin().figure,
           "focal": lambda: plot.plot_focal().figure}  # fmt: skip
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
    names = [name, f"{name}-logits"] if f"{name}-logits" in FIGURES else [name]
    kind = "{ .half }" if len(names) == 2 else ""
    return "\n".join(
        f"![{ALT[shown]}]({up}figures/{shown}-{shade}.svg#only-{shade}){kind}" for shade in INK for shown in names
    )


ALT = {
    "losses": "The losses of regression over the prediction, for a target of 1",
    "margin": "Losses of yes and no over the margin: 0-1, hinge, squared hinge, cross-entropy, focal",
    "focal": "The focal loss over the probability of the true class, for five gammas",
}
for _loss in LOSSES:
    for _name in forms(_loss):
        _form = "logits" if _name.endswith("-logits") else "predictions"
        ALT[_name] = f"Loss, gradient and Hessian from {_form}: {name_of(_loss)}"


# --- tables ------------------------------------------------------------------------------------------------------


def decision_table():
    """Every loss in its own words."""
    lines = ["| when | loss | last layer |", "| --- | --- | --- |"]
    for loss in LOSSES:
        link = f"[`{loss.__name__}`](losses/{module(loss)}.md)"
        lines.append(f"| {loss.use} | {link} | {last_layer(loss)} |")
    return "\n".join(lines)


def activation_matrix():
    """Every loss with every last layer."""
    lines = [f"| loss | {' | '.join(ACTIVATIONS)} |", "| --- |" + " :---: |" * len(ACTIVATIONS)]
    for loss in LOSSES:
        marks = [_mark(loss, activation) for activation in ACTIVATIONS]
        lines.append(f"| [{name_of(loss)}](losses/{module(loss)}.md) | {' | '.join(marks)} |")
    return "\n".join(lines)


def _mark(loss, activation):
    if caveat(loss, activation):
        return "(✓)"
    if not misfit(loss, activation):
        fused = [getattr(suggestion.loss, "from_logits", False) for suggestion in suggest(loss, activation)]
        return "logits" if all(fused) else "✓"
    given, own = ACTIVATIONS[activation], ACTIVATIONS[last_layer(loss)]
    return "(✓)" if loss.takes.covers(given) and (loss.activation is None or given == own) else "✗"


def misfit_list():
    """What `choose` warns of, behind every last layer."""
    lines = []
    for activation in ACTIVATIONS:
        lines += ["", f'??? note "{activation}"', ""]
        for loss in LOSSES:
            better = caveat(loss, activation).strip(" ()")
            text = misfit(loss, activation) or (f"{name_of(loss)} {better}" if better else "")
            lines += [f"    * {text}"] * bool(text)
    return "\n".join(lines)


def ulp_table(page=None):
    """The bounds that the tests enforce: of all losses, or of that of a page."""
    own = [loss.__name__ for loss in LOSSES if page and module(loss) == Path(page.file.src_uri).stem]
    lines = ["| at most, in ulp | loss | gradient | Hessian |", "| --- | ---: | ---: | ---: |"]
    for loss, form, numbers in _bounds():
        if not own or loss in own:
            words = f"from {form}" if own else f"{loss}, from logits" if form == "logits" else loss
            lines.append(f"| {words} | {' | '.join(map(str, numbers))} |")
    return "\n".join(lines)


def _bounds():
    """Loss, form and bounds of every entry of REFERENCES in tests/reference.py, read without what the tests need."""
    source = ast.parse((ROOT / "tests" / "reference.py").read_text())
    (table,) = (node.value for node in source.body
                if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "REFERENCES")  # fmt: skip
    for name, twin in zip(table.keys, table.values, strict=True):
        given = {word.arg: word.value for word in twin.keywords}
        for form, key in (("predictions", "bounds"), ("logits", "logits")):
            if key in given:
                yield name.value, form, ast.literal_eval(given[key])


def decision_list():
    """The titles of the decisions."""
    paths = sorted((ROOT / "docs" / "decisions").glob("0*.md"))
    return "\n".join(f"* [{path.read_text().partition(chr(10))[0][2:]}]({path.name})" for path in paths)


TABLES = {
    "decision table": decision_table,
    "decision list": decision_list,
    "activation matrix": activation_matrix,
    "misfit list": misfit_list,
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

    def made(match):
        what, name = match.groups()
        if what == "figure":
            return _figure(name, page)
        if what == "own ulp table":
            return ulp_table(page)
        if what.startswith(("made by ", "end of ")):  # tables that the benchmark puts into pages
            return match[0]
        if what not in TABLES:
            raise PluginError(f"{page.file.src_uri}: nothing makes {match[0]}, expected figure or {', '.join(TABLES)}")
        return TABLES[what]()

    markdown = re.sub(r"<!-- ([^:]+?)(?:: (\S+))? -->", made, markdown)
    blocks = re.split(r"(^```.*?^```$)", markdown, flags=re.S | re.M)
    blocks[::2] = map(_formulas, blocks[::2])
    return "".join(blocks)


def on_page_content(html, page, config, files):
    """Let names in running text and in tables break between their words, or they are wider than a phone."""

    def breakable(match):
        return f"<code>{re.sub(r'(?<=[a-z])(?=[A-Z])|(?<=[_=(])', '<wbr>', match[1])}</code>"

    def signature(match):
        return match[0].replace('<span class="p">(</span>', '<span class="p">(</span><wbr>')

    html = re.sub(r'<h\d [^>]*class="doc doc-heading">.*?</h\d>', signature, html, flags=re.S)
    return re.sub(r"(?<!<pre>)(?<!<pre><span></span>)<code>([^<]+)</code>", breakable, html)
