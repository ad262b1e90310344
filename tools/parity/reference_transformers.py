"""TimeSformer and Whisper in plain PyTorch: references for parity tests and benchmarks.

Written from the published architectures and Hugging Face's key names. These models,
TimesformerForVideoClassification, WhisperForConditionalGeneration and SlimReel have the same
state-dict keys. `check_hugging_face.py` compares them with the library's own classes.
"""

import math

import torch
from torch import nn
from torch.nn import functional


class _Named(nn.Module):
    """Holds submodules and parameters under given names, so that the keys equal Hugging Face's."""

    def __init__(self, **members):
        super().__init__()
        for name, member in members.items():
            setattr(self, name, member)


def attend(query, key, value, heads, causal=False):
    """[S, N, C] x [S, M, C] -> [S, N, C]."""

    def split(x):
        return x.view(x.shape[0], x.shape[1], heads, x.shape[2] // heads).transpose(1, 2)

    out = functional.scaled_dot_product_attention(split(query), split(key), split(value), is_causal=causal)
    return out.transpose(1, 2).reshape(query.shape)


class JointAttention(nn.Module):
    """One projection to query, key and value (keys attention.qkv, output.dense)."""

    def __init__(self, dim, heads):
        super().__init__()
        self.heads = heads
        self.attention = _Named(qkv=nn.Linear(dim, 3 * dim))
        self.output = _Named(dense=nn.Linear(dim, dim))

    def forward(self, x):
        return self.output.dense(attend(*self.attention.qkv(x).chunk(3, -1), self.heads))


class TimesformerLayer(nn.Module):
    """Temporal attention, spatial attention, MLP; x [B, 1 + P T, C]."""

    def __init__(self, dim, heads, frames):
        super().__init__()
        self.frames = frames
        self.attention = JointAttention(dim, heads)
        self.temporal_attention = JointAttention(dim, heads)
        self.temporal_dense = nn.Linear(dim, dim)
        self.intermediate = _Named(dense=nn.Linear(dim, 4 * dim))
        self.output = _Named(dense=nn.Linear(4 * dim, dim))
        for norm in ("layernorm_before", "layernorm_after", "temporal_layernorm"):
            setattr(self, norm, nn.LayerNorm(dim, eps=1e-6))

    def forward(self, x):
        batch, tokens, dim = x.shape
        patches = (tokens - 1) // self.frames
        cls, rest = x[:, :1], x[:, 1:]
        branch = self.temporal_attention(self.temporal_layernorm(rest.reshape(-1, self.frames, dim)))
        rest = rest + self.temporal_dense(branch.reshape(rest.shape))
        x = torch.cat((cls, rest), 1)
        frames = rest.view(batch, patches, self.frames, dim).transpose(1, 2)
        frames = torch.cat((cls[:, None].expand(-1, self.frames, -1, -1), frames), 2)
        branch = self.attention(self.layernorm_before(frames.flatten(0, 1))).view(frames.shape)
        to_patches = branch[:, :, 1:].transpose(1, 2).reshape(rest.shape)
        x = x + torch.cat((branch[:, :, 0].mean(1, True), to_patches), 1)
        return x + self.output.dense(functional.gelu(self.intermediate.dense(self.layernorm_after(x))))


class Timesformer(nn.Module):
    """Hugging Face's TimesformerForVideoClassification; input [B, 3, T, H, W]."""

    def __init__(self, num_classes, num_frames, image_size, dim, heads, layers, patch=16):
        super().__init__()
        patches = (image_size // patch) ** 2
        self.timesformer = _Named(
            embeddings=_Named(
                cls_token=nn.Parameter(torch.zeros(1, 1, dim)),
                position_embeddings=nn.Parameter(torch.zeros(1, patches + 1, dim)),
                time_embeddings=nn.Parameter(torch.zeros(1, num_frames, dim)),
                patch_embeddings=_Named(projection=nn.Conv2d(3, dim, patch, patch))),
            encoder=_Named(layer=nn.ModuleList(TimesformerLayer(dim, heads, num_frames) for _ in range(layers))),
            layernorm=nn.LayerNorm(dim, eps=1e-6))
        self.classifier = nn.Linear(dim, num_classes)

    def forward(self, clips):
        batch, _, frames = clips.shape[:3]
        e = self.timesformer.embeddings
        x = e.patch_embeddings.projection(clips.transpose(1, 2).flatten(0, 1)).flatten(2)
        x = x.view(batch, frames, *x.shape[1:]).permute(0, 3, 1, 2)  # [B, P, T, C]
        x = x + e.position_embeddings[:, 1:, None] + e.time_embeddings[:, None]
        cls = (e.cls_token + e.position_embeddings[:, :1]).expand(batch, -1, -1)
        x = torch.cat((cls, x.flatten(1, 2)), 1)
        for layer in self.timesformer.encoder.layer:
            x = layer(x)
        return self.classifier(self.timesformer.layernorm(x)[:, 0])


class WhisperAttention(nn.Module):
    def __init__(self, dim, heads, causal=False):
        super().__init__()
        self.heads, self.causal = heads, causal
        self.q_proj, self.v_proj, self.out_proj = (nn.Linear(dim, dim) for _ in range(3))
        self.k_proj = nn.Linear(dim, dim, bias=False)

    def forward(self, x, states):
        return self.out_proj(
            attend(self.q_proj(x), self.k_proj(states), self.v_proj(states), self.heads, self.causal))


class WhisperLayer(nn.Module):
    def __init__(self, dim, heads, decoder):
        super().__init__()
        self.self_attn = WhisperAttention(dim, heads, causal=decoder)
        self.self_attn_layer_norm = nn.LayerNorm(dim)
        if decoder:
            self.encoder_attn = WhisperAttention(dim, heads)
            self.encoder_attn_layer_norm = nn.LayerNorm(dim)
        self.fc1, self.fc2 = nn.Linear(dim, 4 * dim), nn.Linear(4 * dim, dim)
        self.final_layer_norm = nn.LayerNorm(dim)

    def forward(self, x, states=None):
        normed = self.self_attn_layer_norm(x)
        x = x + self.self_attn(normed, normed)
        if states is not None:
            x = x + self.encoder_attn(self.encoder_attn_layer_norm(x), states)
        return x + self.fc2(functional.gelu(self.fc1(self.final_layer_norm(x))))


def audio_positions(length, dim):
    rates = torch.exp(-math.log(10000.0) / (dim // 2 - 1) * torch.arange(dim // 2))
    angles = torch.arange(length).view(-1, 1) * rates
    return torch.cat((angles.sin(), angles.cos()), 1)


class Whisper(nn.Module):
    """Hugging Face's WhisperForConditionalGeneration: (log_mel [B, mels, frames], tokens) -> logits."""

    def __init__(self, dim, heads, encoder_layers, decoder_layers, mels=80, vocabulary=51865,
                 audio=1500, text=448, pad=50257):
        super().__init__()
        encoder_positions = nn.Embedding(audio, dim)
        encoder_positions.weight.data.copy_(audio_positions(audio, dim))
        encoder_positions.requires_grad_(False)
        self.model = _Named(
            encoder=_Named(
                conv1=nn.Conv1d(mels, dim, 3, padding=1), conv2=nn.Conv1d(dim, dim, 3, stride=2, padding=1),
                embed_positions=encoder_positions,
                layers=nn.ModuleList(WhisperLayer(dim, heads, False) for _ in range(encoder_layers)),
                layer_norm=nn.LayerNorm(dim)),
            decoder=_Named(
                embed_tokens=nn.Embedding(vocabulary, dim, pad), embed_positions=nn.Embedding(text, dim),
                layers=nn.ModuleList(WhisperLayer(dim, heads, True) for _ in range(decoder_layers)),
                layer_norm=nn.LayerNorm(dim)))

    def forward(self, log_mel, tokens):
        encoder, decoder = self.model.encoder, self.model.decoder
        x = functional.gelu(encoder.conv2(functional.gelu(encoder.conv1(log_mel)))).transpose(1, 2)
        x = x + encoder.embed_positions.weight[:x.shape[1]]
        for layer in encoder.layers:
            x = layer(x)
        states = encoder.layer_norm(x)
        y = decoder.embed_tokens(tokens) + decoder.embed_positions.weight[:tokens.shape[1]]
        for layer in decoder.layers:
            y = layer(y, states)
        return functional.linear(decoder.layer_norm(y), decoder.embed_tokens.weight)
