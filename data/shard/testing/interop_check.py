"""Reads the shards of write_shards_main.cc with numpy, and with webdataset if it is installed."""

import glob
import io
import json
import sys
import tarfile


def pixel(sample, i):
    return (sample * 31 + i * 7 + i // 251) & 0xFF


def check(number, frames, keypoints, metadata, numpy):
    expected_frames = 4 + number % 2
    assert frames.dtype == numpy.uint8 and frames.shape == (expected_frames, 6, 10, 3), frames.shape
    expected = numpy.array([pixel(number, i) for i in range(frames.size)], dtype=numpy.uint8)
    assert (frames.reshape(-1) == expected).all()
    assert metadata["source"] == f"v{number // 2}.mp4" and metadata["num_frames"] == expected_frames
    assert metadata.get("label", -1) == (-1 if number % 5 == 4 else number % 3)
    assert (keypoints is not None) == (number % 2 == 0)
    if keypoints is not None:
        assert keypoints.shape == (2, 4, 17, 3) and (keypoints == number + 0.5).all()


def by_tarfile(shards, numpy):
    count = 0
    for shard in shards:
        with tarfile.open(shard) as tar:
            samples = {}
            for member in tar:
                assert member.mtime == 0 and member.uid == 0 and member.isfile()
                key, kind = member.name.split(".", 1)
                samples.setdefault(key, {})[kind] = tar.extractfile(member).read()
                if kind == "frames.npy":
                    with open(shard, "rb") as raw:
                        raw.seek(member.offset_data + 8)
                        header = int.from_bytes(raw.read(2), "little")
                    assert (member.offset_data + 10 + header) % 64 == 0
            for key, members in samples.items():
                load = lambda kind: numpy.load(io.BytesIO(members[kind])) if kind in members else None
                check(int(key[-6:]), load("frames.npy"), load("kpts.npy"), json.loads(members["json"]), numpy)
                count += 1
    assert count == 7, count
    print("numpy: passed")


def by_webdataset(shards, numpy):
    try:
        import webdataset
    except ImportError:
        print("webdataset: skipped (not installed; tools/parity/setup.sh installs it and "
              "SLIMREEL_PARITY_PYTHON names its python)")
        return
    count = 0
    for sample in webdataset.WebDataset(shards, shardshuffle=False).decode():
        check(int(sample["__key__"][-6:]), sample["frames.npy"], sample.get("kpts.npy"), sample["json"], numpy)
        count += 1
    assert count == 7, count
    print("webdataset: passed")


def main():
    try:
        import numpy
    except ImportError:
        print("numpy: skipped (this python has none)")
        return
    shards = sorted(glob.glob(sys.argv[1] + "/*.tar"))
    assert len(shards) > 1, shards
    by_tarfile(shards, numpy)
    by_webdataset(shards, numpy)


main()
