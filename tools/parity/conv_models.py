"""The published convolutional architectures in plain PyTorch: references for parity.

Written from the published shapes and key names: torchvision's VideoResNet (R3D, MC3, R(2+1)D) and
ResNet, mmaction2's ResNet3dSlowOnly with I3DHead (SlowOnly, PoseC3D) and RGBPoseConv3D with
RGBPoseHead. These models, the originals and SlimReel have the same state-dict keys.
"""

import torch
from torch import nn


def conv_norm(inputs, outputs, kernel, stride):
    """Convolution and norm as in torchvision's Sequentials: keys .0 and .1."""
    return (nn.Conv3d(inputs, outputs, kernel, stride, tuple(k // 2 for k in kernel), bias=False),
            nn.BatchNorm3d(outputs))


def video_conv(kind, inputs, outputs, middle, stride):
    """torchvision's Conv3DSimple, Conv3DNoTemporal, Conv2Plus1D."""
    if kind == "cube":
        return nn.Conv3d(inputs, outputs, 3, stride, 1, bias=False)
    if kind == "flat":
        return nn.Conv3d(inputs, outputs, (1, 3, 3), (1, stride, stride), (0, 1, 1), bias=False)
    return nn.Sequential(
        nn.Conv3d(inputs, middle, (1, 3, 3), (1, stride, stride), (0, 1, 1), bias=False),
        nn.BatchNorm3d(middle), nn.ReLU(),
        nn.Conv3d(middle, outputs, (3, 1, 1), (stride, 1, 1), (1, 0, 0), bias=False))


class VideoBlock(nn.Module):
    def __init__(self, kind, inputs, outputs, stride):
        super().__init__()
        middle = (inputs * outputs * 27) // (inputs * 9 + 3 * outputs)
        self.conv1 = nn.Sequential(video_conv(kind, inputs, outputs, middle, stride), nn.BatchNorm3d(outputs),
                                   nn.ReLU())
        self.conv2 = nn.Sequential(video_conv(kind, outputs, outputs, middle, 1), nn.BatchNorm3d(outputs))
        self.downsample = None
        if stride != 1 or inputs != outputs:
            in_time = 1 if kind == "flat" else stride
            self.downsample = nn.Sequential(*conv_norm(inputs, outputs, (1, 1, 1), (in_time, stride, stride)))

    def forward(self, x):
        shortcut = x if self.downsample is None else self.downsample(x)
        return torch.relu(self.conv2(self.conv1(x)) + shortcut)


class VideoResNet(nn.Module):
    def __init__(self, num_classes, kinds, widths=(64, 128, 256, 512), blocks=(2, 2, 2, 2), stem_middle=None):
        super().__init__()
        if stem_middle is None:
            self.stem = nn.Sequential(*conv_norm(3, widths[0], (3, 7, 7), (1, 2, 2)), nn.ReLU())
        else:
            self.stem = nn.Sequential(*conv_norm(3, stem_middle, (1, 7, 7), (1, 2, 2)), nn.ReLU(),
                                      *conv_norm(stem_middle, widths[0], (3, 1, 1), (1, 1, 1)), nn.ReLU())
        inputs = widths[0]
        for number, (kind, width, count) in enumerate(zip(kinds, widths, blocks), 1):
            layers = []
            for i in range(count):
                layers.append(VideoBlock(kind, inputs, width, 2 if number > 1 and i == 0 else 1))
                inputs = width
            setattr(self, f"layer{number}", nn.Sequential(*layers))
        self.fc = nn.Linear(inputs, num_classes)

    def forward(self, x):
        x = self.layer4(self.layer3(self.layer2(self.layer1(self.stem(x)))))
        return [self.fc(x.mean((2, 3, 4)))]


class FrameBlock(nn.Module):
    def __init__(self, bottleneck, inputs, width, stride):
        super().__init__()
        outputs = 4 * width if bottleneck else width
        if bottleneck:
            shapes = [(inputs, width, 1, 1), (width, width, 3, stride), (width, outputs, 1, 1)]
        else:
            shapes = [(inputs, width, 3, stride), (width, width, 3, 1)]
        self.count = len(shapes)
        for i, (a, b, kernel, s) in enumerate(shapes, 1):
            setattr(self, f"conv{i}", nn.Conv2d(a, b, kernel, s, kernel // 2, bias=False))
            setattr(self, f"bn{i}", nn.BatchNorm2d(b))
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        out = x
        for i in range(1, self.count + 1):
            out = getattr(self, f"bn{i}")(getattr(self, f"conv{i}")(out))
            if i < self.count:
                out = torch.relu(out)
        return torch.relu(out + (x if self.downsample is None else self.downsample(x)))


class TemporalPooling(nn.Module):
    """Mean, attention (Ilse et al. 2018) or the last state of an LSTM over [B, T, C]."""

    def __init__(self, kind, features):
        super().__init__()
        self.kind = kind
        if kind == "attention":
            self.attention = nn.Sequential(nn.Linear(features, 128), nn.Tanh(), nn.Linear(128, 1))
        if kind == "lstm":
            self.lstm = nn.LSTM(features, 512, batch_first=True)

    def forward(self, x):
        if self.kind == "attention":
            return (torch.softmax(self.attention(x), 1) * x).sum(1)
        return self.lstm(x)[1][0][0] if self.kind == "lstm" else x.mean(1)


class FrameResNet(nn.Module):
    def __init__(self, num_classes, bottleneck, pooling, base=64, blocks=(2, 2, 2, 2)):
        super().__init__()
        self.conv1 = nn.Conv2d(3, base, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(base)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        inputs = base
        self.layers = len(blocks)
        for number, count in enumerate(blocks, 1):
            width = base << (number - 1)
            layers = []
            for i in range(count):
                layers.append(FrameBlock(bottleneck, inputs, width, 2 if number > 1 and i == 0 else 1))
                inputs = 4 * width if bottleneck else width
            setattr(self, f"layer{number}", nn.Sequential(*layers))
        self.temporal = TemporalPooling(pooling, inputs)
        self.fc = nn.Linear(512 if pooling == "lstm" else inputs, num_classes)

    def forward(self, x):
        batch, _, frames = x.shape[:3]
        x = x.transpose(1, 2).flatten(0, 1)
        x = self.maxpool(torch.relu(self.bn1(self.conv1(x))))
        for number in range(1, self.layers + 1):
            x = getattr(self, f"layer{number}")(x)
        return [self.fc(self.temporal(x.mean((2, 3)).view(batch, frames, -1)))]


class ConvModule(nn.Module):
    """mmcv's ConvModule: keys conv and bn."""

    def __init__(self, inputs, outputs, kernel, stride=(1, 1, 1), norm=True, relu=True):
        super().__init__()
        self.conv = nn.Conv3d(inputs, outputs, kernel, stride, tuple(k // 2 for k in kernel), bias=False)
        self.bn = nn.BatchNorm3d(outputs) if norm else None
        self.relu = relu

    def forward(self, x):
        x = self.conv(x)
        if self.bn is not None:
            x = self.bn(x)
        return torch.relu(x) if self.relu else x


class DeconvModule(nn.Module):
    def __init__(self, inputs, outputs, kernel, stride):
        super().__init__()
        self.conv = nn.ConvTranspose3d(inputs, outputs, (kernel, 1, 1), (stride, 1, 1), (kernel // 2, 0, 0), bias=False)
        self.bn = nn.BatchNorm3d(outputs)
        self.stride = stride

    def forward(self, x):
        sizes = (x.shape[0], self.conv.out_channels, self.stride * x.shape[2], *x.shape[3:])
        return torch.relu(self.bn(self.conv(x, output_size=sizes)))


class InflatedBottleneck(nn.Module):
    def __init__(self, inputs, width, inflate, in_space, in_time):
        super().__init__()
        stride = (in_time, in_space, in_space)
        self.conv1 = ConvModule(inputs, width, (3 if inflate else 1, 1, 1))
        self.conv2 = ConvModule(width, width, (1, 3, 3), stride)
        self.conv3 = ConvModule(width, 4 * width, (1, 1, 1), relu=False)
        self.downsample = None
        if in_space != 1 or inputs != 4 * width:
            self.downsample = ConvModule(inputs, 4 * width, (1, 1, 1), stride, relu=False)

    def forward(self, x):
        out = self.conv3(self.conv2(self.conv1(x)))
        return torch.relu(out + (x if self.downsample is None else self.downsample(x)))


class InflatedPath(nn.Module):
    """layers: (blocks, inflate, spatial stride, temporal stride, lateral channels)."""

    def __init__(self, inputs, base, stem_stride, pool_stride, layers):
        super().__init__()
        self.conv1 = ConvModule(inputs, base, (1, 7, 7), (1, stem_stride, stem_stride))
        self.maxpool = nn.MaxPool3d((1, 3, 3), (1, pool_stride, pool_stride), (0, 1, 1))
        self.count = len(layers)
        channels = base
        for number, (blocks, inflate, space, time, lateral) in enumerate(layers, 1):
            width = base << (number - 1)
            modules = []
            for i in range(blocks):
                modules.append(InflatedBottleneck(channels + (lateral if i == 0 else 0), width, inflate,
                                                  space if i == 0 else 1, time if i == 0 else 1))
                channels = 4 * width
            setattr(self, f"layer{number}", nn.Sequential(*modules))
        self.channels = channels

    def forward(self, x):
        x = self.maxpool(self.conv1(x))
        for number in range(1, self.count + 1):
            x = getattr(self, f"layer{number}")(x)
        return x


class _Named(nn.Module):
    def __init__(self, **modules):
        super().__init__()
        for name, module in modules.items():
            self.add_module(name, module)


class SlowOnly(nn.Module):
    def __init__(self, num_classes, *path):
        super().__init__()
        self.backbone = InflatedPath(*path)
        self.cls_head = _Named(fc_cls=nn.Linear(self.backbone.channels, num_classes))

    def forward(self, x):
        return [self.cls_head.fc_cls(self.backbone(x).mean((2, 3, 4)))]


class RgbPoseConv3d(nn.Module):
    """base: channels of the RGB path. The pose path has half. Speed and channel ratio 4, fusion kernel 7."""

    def __init__(self, num_classes, num_keypoints, base=64, rgb_blocks=(3, 4, 6, 3), pose_blocks=(4, 6, 3)):
        super().__init__()
        pose = base // 2
        rgb_layers = list(zip(rgb_blocks, (0, 0, 1, 1), (1, 2, 2, 2), (1, 1, 1, 1), (0, 0, 2 * base, 4 * base)))
        pose_layers = list(zip(pose_blocks, (0, 1, 1), (2, 2, 2), (1, 1, 1), (0, pose, 2 * pose)))
        self.backbone = _Named(rgb_path=InflatedPath(3, base, 2, 2, rgb_layers),
                               pose_path=InflatedPath(num_keypoints, pose, 1, 1, pose_layers))
        rgb, pose_path = self.backbone.rgb_path, self.backbone.pose_path
        for number in (2, 3):
            width = base << (number - 1)
            setattr(rgb, f"layer{number}_lateral",
                    ConvModule(width, width, (7, 1, 1), (4, 1, 1), norm=False, relu=False))
            setattr(pose_path, f"layer{number - 1}_lateral",
                    DeconvModule(4 * width, pose << (number - 2), 7, 4))
        self.cls_head = _Named(fc_rgb=nn.Linear(rgb.channels, num_classes),
                               fc_pose=nn.Linear(pose_path.channels, num_classes))

    def forward(self, clips, heatmaps):
        rgb, pose = self.backbone.rgb_path, self.backbone.pose_path
        x = rgb.layer2(rgb.layer1(rgb.maxpool(rgb.conv1(clips))))
        y = pose.layer1(pose.maxpool(pose.conv1(heatmaps)))
        for number in (2, 3):
            to_rgb = getattr(rgb, f"layer{number}_lateral")(y)
            to_pose = getattr(pose, f"layer{number - 1}_lateral")(x)
            x = getattr(rgb, f"layer{number + 1}")(torch.cat((x, to_rgb), 1))
            y = getattr(pose, f"layer{number}")(torch.cat((y, to_pose), 1))
        return [self.cls_head.fc_rgb(x.mean((2, 3, 4))), self.cls_head.fc_pose(y.mean((2, 3, 4)))]


SLOWONLY = (3, 64, 2, 2, [(3, 0, 1, 1, 0), (4, 0, 2, 1, 0), (6, 1, 2, 1, 0), (3, 1, 2, 1, 0)])
POSEC3D = (17, 32, 1, 1, [(4, 0, 2, 1, 0), (6, 1, 2, 1, 0), (3, 1, 2, 2, 0)])
POSE_ONLY = (17, 32, 1, 1, [(4, 0, 2, 1, 0), (6, 1, 2, 1, 0), (3, 1, 2, 1, 0)])


def build(name, num_classes):
    """Builds the reference of a SlimReel model at full size."""
    if name in ("r3d_18", "mc3_18"):
        return VideoResNet(num_classes, ["cube"] + [{"r3d_18": "cube", "mc3_18": "flat"}[name]] * 3)
    if name == "r2plus1d_18":
        return VideoResNet(num_classes, ["factorised"] * 4, stem_middle=45)
    if name == "resnet18":
        return FrameResNet(num_classes, False, "mean")
    if name == "resnet50":
        return FrameResNet(num_classes, True, "mean", blocks=(3, 4, 6, 3))
    if name == "slowonly_r50":
        return SlowOnly(num_classes, *SLOWONLY)
    if name == "posec3d":
        return SlowOnly(num_classes, *POSEC3D)
    if name == "posec3d_pose_only":
        return SlowOnly(num_classes, *POSE_ONLY)
    if name == "rgbposeconv3d":
        return RgbPoseConv3d(num_classes, 17)
    raise ValueError(f"no reference for {name}")
