"""`python -m bench.adapters.cluster`: a step of softmax regression over Dask, by workers and sizes of chunks."""

from demo import distributed
from demo.distributed import descend, drawn, on_cluster, step_alone

ROWS, LIMIT = 2_000_000, 6 << 30


def main() -> None:
    """Print the table; no worker is killed, and no memory is short."""
    whole = drawn(50_000, ROWS).compute(scheduler="sync")
    loss, alone = descend(step_alone, whole)
    del whole
    print(f"One process, NumPy, a part of {ROWS // 50:,} rows at a time: {alone:.2f} s a step")
    print("| rows of a chunk | one worker | two workers | difference of the losses |")
    print("| ---: | ---: | ---: | ---: |")
    for chunk in (5_000, 20_000, 100_000):
        found = [on_cluster(workers, chunk, rows=ROWS, limit=LIMIT) for workers in (1, 2)]
        off = max(abs(value - loss) for value, _ in found)
        print(f"| {chunk:,} | {found[0][1]:.2f} s | {found[1][1]:.2f} s | {off:.0e} |", flush=True)


if __name__ == "__main__":
    distributed.STEPS = 6
    main()
