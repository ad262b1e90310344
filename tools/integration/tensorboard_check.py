"""Prints as JSON what the `tensorboard` package reads in a folder.

    tensorboard_check.py FOLDER

"scalars": for each tag the pairs (step, value) that a viewer shows. "stored": the same as the files
hold them, in their order, without what a viewer drops.
"""

import json
import pathlib
import sys

from tensorboard.backend.event_processing import event_accumulator, event_file_loader

EVERYTHING = {event_accumulator.SCALARS: 0}


def main(folder):
    accumulator = event_accumulator.EventAccumulator(folder, size_guidance=EVERYTHING)
    accumulator.Reload()
    scalars = {tag: [(event.step, event.value) for event in accumulator.Scalars(tag)]
               for tag in accumulator.Tags()["scalars"]}
    stored = {}
    for path in sorted(pathlib.Path(folder).iterdir()):
        for event in event_file_loader.LegacyEventFileLoader(str(path)).Load():
            for value in event.summary.value:
                stored.setdefault(value.tag, []).append((event.step, value.simple_value))
    print(json.dumps({"scalars": scalars, "stored": stored}))


if __name__ == "__main__":
    main(sys.argv[1])
