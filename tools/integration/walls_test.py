"""`train` links no codec and no image library, and `prepare` does not link LibTorch."""

import subprocess
import unittest

import binaries

CODECS = ("libavcodec", "libavformat", "libswscale", "libopencv")
TENSORS = ("libtorch", "libc10")


def linked(label):
    """Output of ldd: all shared libraries that a binary loads, directly or through others."""
    return subprocess.run(["ldd", binaries.binary(label)], text=True, capture_output=True,
                          check=True).stdout


class WallsTest(unittest.TestCase):
    def test_train_links_no_codec(self):
        for name in CODECS:
            self.assertNotIn(name, linked("//trainer:train"))
        self.assertIn("libavcodec", linked("//trainer:predict"), "ldd sees what is linked")

    def test_prepare_links_no_tensors(self):
        for name in TENSORS:
            self.assertNotIn(name, linked("//data:prepare"))
        self.assertIn("libtorch", linked("//trainer:train"), "ldd sees what is linked")


if __name__ == "__main__":
    unittest.main()
