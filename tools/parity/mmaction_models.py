"""mmaction2's own backbones and heads, imported from its sources without the parts that need CUDA.

The packages' __init__ files import every model, metric and data set, and so compiled operators
too. This module replaces the packages by empty ones and loads only the modules of the models below.
tools/parity/setup_mmaction.sh installs the packages that these modules import.
"""

import importlib
import importlib.util
import pathlib
import sys
import types

import torch

EMPTY_PACKAGES = ("evaluation", "evaluation.functional", "models", "models.backbones", "models.heads", "models.losses",
                  "utils")


def load():
    """Returns the mmaction2 classes that the models consist of, by name."""
    import mmaction

    root = pathlib.Path(mmaction.__file__).parent
    for name in EMPTY_PACKAGES:
        package = types.ModuleType(f"mmaction.{name}")
        package.__path__ = [str(root / name.replace(".", "/"))]
        sys.modules[f"mmaction.{name}"] = package

    def module(name):
        return importlib.import_module(f"mmaction.{name}")

    sys.modules["mmaction.evaluation"].top_k_accuracy = module("evaluation.functional.accuracy").top_k_accuracy
    for name, thing in vars(module("utils.typing_utils")).items():
        if not name.startswith("_"):
            setattr(sys.modules["mmaction.utils"], name, thing)
    module("models.losses.cross_entropy_loss")
    return types.SimpleNamespace(
        SlowOnly=module("models.backbones.resnet3d_slowonly").ResNet3dSlowOnly,
        RgbPose=module("models.backbones.rgbposeconv3d").RGBPoseConv3D,
        Head=module("models.heads.i3d_head").I3DHead,
        RgbPoseHead=module("models.heads.rgbpose_head").RGBPoseHead)


def available():
    return all(importlib.util.find_spec(name) is not None for name in ("mmaction", "mmcv", "mmengine"))


class Recognizer(torch.nn.Module):
    """A backbone and a cls_head, as in the state dicts of mmaction2's recognizers."""

    def __init__(self, backbone, cls_head):
        super().__init__()
        self.backbone, self.cls_head = backbone, cls_head

    def forward(self, *inputs):
        scores = self.cls_head(self.backbone(*inputs))
        return [scores["rgb"], scores["pose"]] if isinstance(scores, dict) else [scores]


def build(name, num_classes):
    """Builds slowonly_r50, posec3d, posec3d_pose_only or rgbposeconv3d, without dropout. The settings are those of
    mmaction2's configurations: configs/recognition/slowonly, configs/skeleton/posec3d (slowonly_r50_8xb16-u48-240e_ntu60-xsub-keypoint,
    rgbpose_conv3d/pose_only, rgbpose_conv3d)."""
    classes = load()
    if name == "slowonly_r50":
        backbone = classes.SlowOnly(depth=50, pretrained=None, lateral=False, conv1_kernel=(1, 7, 7), conv1_stride_t=1,
                                    pool1_stride_t=1, inflate=(0, 0, 1, 1), norm_eval=False)
        return Recognizer(backbone, classes.Head(num_classes, 2048, dropout_ratio=0.0))
    if name in ("posec3d", "posec3d_pose_only"):
        backbone = classes.SlowOnly(
            depth=50, pretrained=None, in_channels=17, base_channels=32, num_stages=3, out_indices=(2,),
            stage_blocks=(4, 6, 3), conv1_stride_s=1, pool1_stride_s=1, inflate=(0, 1, 1), spatial_strides=(2, 2, 2),
            temporal_strides=(1, 1, 2 if name == "posec3d" else 1), dilations=(1, 1, 1))
        return Recognizer(backbone, classes.Head(num_classes, 512, dropout_ratio=0.0))
    if name == "rgbposeconv3d":
        return Recognizer(classes.RgbPose(), classes.RgbPoseHead(num_classes, (2048, 512), dropout=0.0))
    raise ValueError(f"mmaction2 has no {name}")
