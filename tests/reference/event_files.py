"""An event file as torch.utils.tensorboard writes it, for tests/suite/logs.rs; and what TensorBoard reads in the event files of a run.

    event_files.py                 makes fixtures/logs/events.tfevents
    event_files.py RUN             reads RUN/tensorboard by TensorBoard and holds it to RUN/metrics.jsonl
"""

import json
import sys
import tempfile
from pathlib import Path
from unittest import mock

from common import FIXTURES

STARTED = 1_764_500_000.0
PICTURE = FIXTURES / "pictures" / "palette.png"


def write():
    """The events of tests/suite/logs.rs; every one by the call that people make, at a time that is given."""
    from tensorboard.compat.proto.summary_pb2 import Summary
    from torch.utils.tensorboard import SummaryWriter

    png = PICTURE.read_bytes()
    width, height = (int.from_bytes(png[at : at + 4], "big") for at in (16, 20))
    with tempfile.TemporaryDirectory() as folder:
        with mock.patch("time.time", return_value=STARTED):
            writer = SummaryWriter(folder)
            image = Summary.Image(height=height, width=width, colorspace=3, encoded_image_string=png)
            summary = Summary(value=[Summary.Value(tag="views", image=image)])
            writer._get_file_writer().add_summary(summary, 0, STARTED)
            writer.add_scalar("train/loss", 2.5, 1, STARTED + 0.125)
            writer.add_scalar("train/lr", 0.0, 1, STARTED + 0.125)
            writer.add_scalar("terms/\u00e4hnlich", -1e-3, 130, STARTED + 7.5)
            writer.add_scalar("flowers/knn", float("nan"), 300, STARTED + 8.0)
            writer.add_scalar("features/knn", 0.8125, 70_000, STARTED + 1e4)
            writer.close()
        (file,) = Path(folder).iterdir()
        target = FIXTURES / "logs" / "events.tfevents"
        target.write_bytes(file.read_bytes())
        print(f"{target.name}: {target.stat().st_size} bytes")


def read(run):
    """Every number of the metrics stands in the event file, once, and nothing else but the views."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(run / "tensorboard"), size_guidance={"scalars": 0, "images": 0}).Reload()
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    want = {}
    for line in lines:
        own = {f"train/{k}": v for k, v in line.items() if k not in ("step", "terms", "measures")}
        terms = {f"terms/{k}": v for k, v in line["terms"].items()}
        found = line.get("measures", {}).items()
        measures = {k.replace(".", "/", 1) if "." in k else f"features/{k}": v for k, v in found}
        for tag, value in {**own, **terms, **measures}.items():
            want.setdefault(tag, []).append((line["step"], float("nan") if value is None else float(value)))
    assert set(want) == set(events.Tags()["scalars"]), set(want) ^ set(events.Tags()["scalars"])
    for tag, values in want.items():
        got = [(e.step, e.value) for e in events.Scalars(tag)]
        assert len(got) == len(values), tag
        for (step, value), (theirs, number) in zip(values, got):
            assert step == theirs and (abs(value - number) <= 1e-6 * abs(value) or value != value), (tag, step)
    (views,) = events.Images("views")
    assert views.encoded_image_string.startswith(b"\x89PNG") and views.step == 0
    print(f"{run}: {len(want)} tags, {sum(map(len, want.values()))} numbers, views of {views.width} x {views.height}")


if len(sys.argv) > 1:
    read(Path(sys.argv[1]))
else:
    write()
