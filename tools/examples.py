"""What the examples of README and guide print, below each of them: `python -m tools.examples` writes it anew."""

import contextlib
import io
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"^```python\n(?P<code>.*?)^```\n(?P<output>\n```\n.*?^```\n)?", re.S | re.M)
ADAPTERS = ROOT / "docs" / "adapters"
ADAPTER_PAGES = sorted(ADAPTERS.glob("*.md"))
"""Pages whose examples need other libraries."""
PAGES = [
    page
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
    if page.parent != ADAPTERS and BLOCK.search(page.read_text())
]


def filled(page: Path) -> str:
    """The text of a page, its blocks run from top to bottom, with what each prints below it."""
    text, space = page.read_text(), {}

    def run(block: re.Match[str]) -> str:
        if block["code"].startswith(">>>"):  # a doctest
            return block[0]
        lines = "\n" * (text.count("\n", 0, block.start()) + 1)  # so that an error names the line of the page
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(lines + block["code"], str(page), "exec"), space)
        output = "".join(f"{line.rstrip()}\n" for line in printed.getvalue().splitlines())
        return f"```python\n{block['code']}```\n" + (f"\n```\n{output}```\n" if output else "")

    return BLOCK.sub(run, text)


if __name__ == "__main__":
    for path in [*PAGES, *ADAPTER_PAGES]:
        path.write_text(filled(path))
