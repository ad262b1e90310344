"""Starting from a weight file (model.weights) and freezing parts (model.freeze), on whole runs."""

import unittest

import binaries
import safetensors_file
from binaries import must, run, scratch

FROZEN = ("stem", "layer1")
STATISTICS = ("running_mean", "running_var", "num_batches_tracked")


def is_parameter(name):
    return not name.endswith(STATISTICS)


class WeightsAndFreezeTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = scratch()
        cls.config, _, cls.shards = binaries.tiny_set(cls.folder, clips_per_class=2)
        result = run("//trainer:train", *cls.arguments("source", "train.max_steps=2"))
        assert result.returncode == 0, result.stderr
        cls.weights = cls.folder / "source" / "checkpoints" / "latest" / "model.safetensors"
        cls.source = safetensors_file.read(cls.weights)

    @classmethod
    def arguments(cls, name, *overrides):
        return [f"--config={cls.config}", f"--run={cls.folder / name}", f"data.train={cls.shards}",
                "evaluation.strategy=no", "train.max_epochs=100", *overrides]

    def tensors(self, name, file="model.safetensors"):
        return safetensors_file.read(self.folder / name / "checkpoints" / "latest" / file)

    def unmoved(self, name, *overrides):
        """Does one step with rate 0, so the weights stay as at the start. Returns (stderr, tensors)."""
        result = must("//trainer:train", *self.arguments(
            name, f"model.weights={self.weights}", "train.lr=0", "train.max_steps=1", *overrides))
        return result.stderr, self.tensors(name)

    def refused(self, name, tensors):
        """Tries to start a run from these tensors, which must fail. Returns its stderr."""
        path = self.folder / f"{name}.safetensors"
        safetensors_file.write(path, tensors)
        result = run("//trainer:train", *self.arguments(name, f"model.weights={path}"))
        self.assertEqual(result.returncode, 2, result.stderr[-2000:])
        self.assertIn(str(path), result.stderr)
        self.assertFalse((self.folder / name / "checkpoints").exists())
        return result.stderr

    def test_the_run_begins_with_the_weights_of_the_file(self):
        message, begun = self.unmoved("same")
        self.assertNotIn("anew", message)
        for name in filter(is_parameter, self.source):
            self.assertEqual(begun[name], self.source[name], name)

    def test_a_head_of_other_classes_starts_anew_and_is_reported(self):
        message, begun = self.unmoved("more_classes", "model.num_classes=9")
        self.assertIn("the head for 9 classes starts anew (fc.weight, fc.bias)", message)
        self.assertEqual(begun["fc.weight"][1][0], 9)
        for name in filter(is_parameter, self.source):
            if not name.startswith("fc."):
                self.assertEqual(begun[name], self.source[name], name)

    def test_a_wrong_shape_and_a_missing_tensor_are_named_together(self):
        broken = dict(self.source)
        names = [name for name in broken if name.startswith("layer1") and is_parameter(name)]
        dtype, shape, content = broken[names[0]]
        broken[names[0]] = (dtype, [len(content) // 4], content)
        del broken[names[1]]
        self.assertNotEqual(shape, broken[names[0]][1])
        message = self.refused("wrong", broken)
        self.assertIn(names[0], message)
        self.assertIn(names[1], message)

    def test_a_resumed_run_no_longer_needs_the_file(self):
        path = self.folder / "once.safetensors"
        path.write_bytes(self.weights.read_bytes())
        arguments = self.arguments("resumed", f"model.weights={path}")
        must("//trainer:train", *arguments, "train.max_steps=1")
        path.unlink()
        must("//trainer:train", *arguments, "train.max_steps=2")

    def test_frozen_tensors_keep_every_bit_and_have_no_optimizer_state(self):
        must("//trainer:train", *self.arguments("frozen", f"model.weights={self.weights}",
                                                "train.max_steps=3", f"model.freeze=[{', '.join(FROZEN)}]"))
        trained = self.tensors("frozen")
        parameters = [name for name in trained if is_parameter(name)]
        self.assertTrue(any(name.startswith(FROZEN) for name in parameters))
        for name in parameters:
            if name.startswith(FROZEN):
                self.assertEqual(trained[name], self.source[name], name)
            else:
                self.assertNotEqual(trained[name], self.source[name], name)
        states = self.tensors("frozen", "optimizer.safetensors")
        self.assertTrue(any(name.startswith("fc.weight") for name in states))
        self.assertFalse([name for name in states if name.startswith(FROZEN)])

    def test_statistics_of_frozen_parts_follow_the_data_unless_norm_group_is_frozen(self):
        for group, moves in (("micro_batch", True), ("frozen", False)):
            must("//trainer:train", *self.arguments(
                f"statistics_{group}", f"model.weights={self.weights}", "train.max_steps=1",
                f"model.freeze=[{', '.join(FROZEN)}]", f"model.norm_group={group}"))
            trained = self.tensors(f"statistics_{group}")
            names = [name for name in trained if name.startswith(FROZEN) and name.endswith("running_mean")]
            self.assertTrue(names)
            for name in names:
                self.assertEqual(trained[name] != self.source[name], moves, (group, name))

    def test_an_unknown_prefix_names_the_nearest_one(self):
        result = run("//trainer:train", *self.arguments("unknown", "model.freeze=[layr1]"))
        self.assertEqual(result.returncode, 2, result.stderr[-2000:])
        self.assertIn('"layr1"; did you mean layer1?', result.stderr)


if __name__ == "__main__":
    unittest.main()
