"""Row `import`: a folder of articles into an empty service, by the command that an operator types.

The articles are the samples under other names, each with a sentence of its own. What counts is the whole command, from its start
to its end: read, checked, rendered, stored in one transaction. The export and the second import, which changes nothing, are
shown beside it.
"""

from __future__ import annotations

import base64
import os
import secrets
import shutil
import statistics
import subprocess
import time
from pathlib import Path

from bench.report import Options, Report, progress, reaching, spread
from bench.solo import DUTYLINE

ARTICLES = 3_000
SAMPLES = Path(__file__).parents[1] / "guidance"
STEPS = ("import", "import again", "export", "import as another site's")


def run(folder: Path, options: Options) -> Report:
    source = folder / "articles"
    source.mkdir()
    size = _write_articles(source)
    rates: dict[str, list[float]] = {step: [] for step in STEPS}
    for number in range(options.rounds):
        data, out = folder / f"data-{number}", folder / f"out-{number}"
        environment = _environment(data, folder)
        _timed(environment, "migrate")
        taken = {
            "import": _timed(environment, "guidance", "import", str(source)),
            "import again": _timed(environment, "guidance", "import", str(source)),
            "export": _timed(environment, "guidance", "export", str(out)),
        }
        shutil.rmtree(data)
        _timed(environment, "migrate")
        taken["import as another site's"] = _timed(environment, "guidance", "import", str(source), "--foreign")
        for step, taken_s in taken.items():
            rates[step].append(ARTICLES / taken_s)
        progress(", ".join(f"{step} {ARTICLES / taken_s:,.0f}/s" for step, taken_s in taken.items()))
        shutil.rmtree(data)
        shutil.rmtree(out)
    return Report(
        title=f"{ARTICLES:,} articles of {size / ARTICLES / 1024:.1f} KiB, SQLite, the whole command; {options.rounds} rounds",
        columns=("step", "articles/s"),
        lines=[(step, spread(rates[step])) for step in STEPS],
        bars=[reaching("imported", statistics.median(rates["import"]), 300, "articles/s")],
    )


def _write_articles(source: Path) -> int:
    """Returns how many bytes they are."""
    samples = sorted(SAMPLES.glob("*.md"))
    written = 0
    for number in range(ARTICLES):
        sample = samples[number % len(samples)]
        text = sample.read_text().replace(f"slug: {sample.stem}\n", f"slug: {sample.stem}-{number}\n")
        written += (source / f"{sample.stem}-{number}.md").write_text(f"{text}\nThis is copy number {number}.\n")
    return written


def _environment(data: Path, folder: Path) -> dict[str, str]:
    keys = {"MASTER_KEYS_FILE": folder / "master.keys", "SECRET_KEY_FILE": folder / "secret.key"}
    for path in keys.values():
        path.write_text(base64.b64encode(secrets.token_bytes(32)).decode())
    return {"PATH": os.environ["PATH"], "DATA_DIR": str(data), **{name: str(path) for name, path in keys.items()}}


def _timed(environment: dict[str, str], *words: str) -> float:
    begun = time.monotonic()
    subprocess.run([str(DUTYLINE), *words], env=environment, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - begun
