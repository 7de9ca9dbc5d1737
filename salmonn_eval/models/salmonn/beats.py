"""BEATs, the encoder of sounds and music (Chen et al. 2022, arXiv 2212.09058), for inference.

A filter bank is cut into patches of 16 frames by 16 bins, eight a time step, time before frequency; the sequence of
patches goes through a transformer whose attention has T5's relative position bias, gated per query. Clips of unequal
length may share a batch: what stands after a clip's end is zero where the position convolution could see it and is no
key of attention, so each clip gets what it gets alone.

The release scales queries down by 32 and scores up again after subtracting their maximum; the softmax is the same.
Parameters carry the release's names, but for the bias table, which all layers share and which is the encoder's here.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from salmonn_eval.models.salmonn.config import BeatsConfig


class Beats(nn.Module):
    """Patches, their projection, the transformer, and (fine-tuned checkpoints) the head that labels whole clips."""

    def __init__(self, config: BeatsConfig) -> None:
        super().__init__()
        size, wide = config.encoder_embed_dim, config.embed_dim
        self.patch = config.input_patch_size
        self.patch_embedding = nn.Conv2d(1, wide, self.patch, stride=self.patch, bias=config.conv_bias)
        self.layer_norm = nn.LayerNorm(wide)
        self.post_extract_proj = nn.Linear(wide, size) if wide != size else nn.Identity()
        self.encoder = Encoder(config)
        if config.finetuned_model:
            self.predictor = nn.Linear(size, config.predictor_class)

    def forward(self, banks: Sequence[Tensor]) -> list[Tensor]:
        """Features [patches_i, size] of filter banks [frames_i, bins]; frames after the last whole patch are not heard.

        A clip has at least one whole patch (175 ms).
        """
        steps = [len(bank) // self.patch for bank in banks]
        longest = max(steps) * self.patch
        whole = [bank[: n * self.patch] for bank, n in zip(banks, steps, strict=True)]
        padded = [F.pad(bank, (0, 0, 0, longest - len(bank))) for bank in whole]
        patches = self.patch_embedding(torch.stack(padded)[:, None].to(self.patch_embedding.weight.dtype))
        x = self.post_extract_proj(self.layer_norm(patches.flatten(2).transpose(1, 2)))
        lengths = [n * patches.shape[3] for n in steps]
        x = self.encoder(x, _beyond(lengths, x.device) if min(lengths) < max(lengths) else None)
        return [row[:length] for row, length in zip(x, lengths, strict=True)]

    def probabilities(self, features: Tensor) -> Tensor:
        """Probability [classes] of each label for a whole clip, of its features [patches, size]; fine-tuned only."""
        probabilities: Tensor = self.predictor(features).mean(dim=0).sigmoid()
        return probabilities


class Encoder(nn.Module):
    """Convolutional positions, then the layers."""

    def __init__(self, config: BeatsConfig) -> None:
        super().__init__()
        self.pos_conv = nn.Sequential(PositionConv(config), nn.GELU())
        if config.relative_position_embedding:
            self.relative_attention_bias = nn.Embedding(config.num_buckets, config.encoder_attention_heads)
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.encoder_layers))
        self.layer_norm = nn.LayerNorm(config.encoder_embed_dim)
        self.config = config

    def forward(self, x: Tensor, beyond: Tensor | None) -> Tensor:
        """[B, P, size] to the same; `beyond` [B, P] marks what stands after a clip's end (None: nothing)."""
        mask = None
        if beyond is not None:
            x = x.masked_fill(beyond[..., None], 0.0)
            mask = torch.zeros_like(beyond, dtype=x.dtype).masked_fill(beyond, -math.inf)[:, None, None]
        x = x + self.pos_conv(x)
        if not self.config.layer_norm_first:
            x = self.layer_norm(x)
        bias = self.position_bias(x.shape[1]) if self.config.relative_position_embedding else None
        for layer in self.layers:
            x = layer(x, bias, mask)
        return self.layer_norm(x) if self.config.layer_norm_first else x

    def position_bias(self, positions: int) -> Tensor:
        """[heads, P, P]: the bias for each distance from query (row) to key (column)."""
        table = self.relative_attention_bias.weight
        distances = torch.arange(1 - positions, positions, device=table.device)
        by_distance = table[buckets(distances, self.config.num_buckets, self.config.max_distance)]
        places = torch.arange(positions, device=table.device)
        return by_distance[places[None] - places[:, None] + positions - 1].permute(2, 0, 1)


class PositionConv(nn.Module):
    """Grouped convolution over time, weight-normalised per kernel tap, as long as its input."""

    def __init__(self, config: BeatsConfig) -> None:
        super().__init__()
        size, taps, self.groups = config.encoder_embed_dim, config.conv_pos, config.conv_pos_groups
        self.weight_g = nn.Parameter(torch.ones(1, 1, taps))
        self.weight_v = nn.Parameter(torch.randn(size, size // self.groups, taps))
        self.bias = nn.Parameter(torch.zeros(size))

    def forward(self, x: Tensor) -> Tensor:
        """[B, P, size] to the same."""
        taps = self.weight_v.shape[2]
        weight = self.weight_g * self.weight_v / self.weight_v.norm(dim=(0, 1), keepdim=True)
        y = F.conv1d(x.transpose(1, 2), weight, self.bias, padding=taps // 2, groups=self.groups)
        return y[..., : x.shape[1]].transpose(1, 2)


class Layer(nn.Module):
    """Attention and feed-forward, normalised after each (with DeepNorm's weight on the residual) or before."""

    def __init__(self, config: BeatsConfig) -> None:
        super().__init__()
        size = config.encoder_embed_dim
        self.self_attn = Attention(config)
        self.self_attn_layer_norm = nn.LayerNorm(size)
        self.fc1 = nn.Linear(size, config.encoder_ffn_embed_dim)
        self.fc2 = nn.Linear(config.encoder_ffn_embed_dim, size)
        self.final_layer_norm = nn.LayerNorm(size)
        self.norm_first = config.layer_norm_first
        self.residual = (2.0 * config.encoder_layers) ** 0.25 if config.deep_norm else 1.0

    def forward(self, x: Tensor, bias: Tensor | None, mask: Tensor | None) -> Tensor:
        """[B, P, size] to the same; see `Attention` for `bias` and `mask`."""
        if self.norm_first:
            x = x + self.self_attn(self.self_attn_layer_norm(x), bias, mask)
            return x + self._feed_forward(self.final_layer_norm(x))
        x = self.self_attn_layer_norm(self.residual * x + self.self_attn(x, bias, mask))
        normed: Tensor = self.final_layer_norm(self.residual * x + self._feed_forward(x))
        return normed

    def _feed_forward(self, x: Tensor) -> Tensor:
        output: Tensor = self.fc2(F.gelu(self.fc1(x)))
        return output


class Attention(nn.Module):
    """Multi-head attention; each query weighs the position bias by a gate of its own (as in WavLM)."""

    def __init__(self, config: BeatsConfig) -> None:
        super().__init__()
        size, self.heads = config.encoder_embed_dim, config.encoder_attention_heads
        self.q_proj, self.k_proj, self.v_proj, self.out_proj = (nn.Linear(size, size) for _ in range(4))
        self.gated = config.relative_position_embedding and config.gru_rel_pos
        if self.gated:
            self.grep_linear = nn.Linear(size // self.heads, 8)
            self.grep_a = nn.Parameter(torch.ones(1, self.heads, 1, 1))

    def forward(self, x: Tensor, bias: Tensor | None, mask: Tensor | None) -> Tensor:
        """[B, P, size] to the same; `bias` [heads, P, P] and `mask` [B, 1, 1, P] (0 or -inf) are added to scores."""
        q, k, v = (self._split(projection(x)) for projection in (self.q_proj, self.k_proj, self.v_proj))
        if bias is not None:
            bias = self._gate(q) * bias if self.gated else bias[None]
            mask = bias if mask is None else bias + mask
        heard = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        output: Tensor = self.out_proj(heard.transpose(1, 2).flatten(2))
        return output

    def _split(self, x: Tensor) -> Tensor:
        return x.view(*x.shape[:2], self.heads, -1).transpose(1, 2)

    def _gate(self, q: Tensor) -> Tensor:
        """[B, heads, P, 1] of queries [B, heads, P, size / heads]."""
        reset, update = self.grep_linear(q).view(*q.shape[:3], 2, 4).sum(dim=4).sigmoid().chunk(2, dim=3)
        gate: Tensor = reset * (update * self.grep_a - 1.0) + 2.0
        return gate


def buckets(distances: Tensor, count: int, longest: int) -> Tensor:
    """Bucket of each signed distance (key - query): one each when near, logarithmic up to `longest`, one for the rest.

    Source: Raffel et al. 2020, "Exploring the Limits of Transfer Learning" (T5), bidirectional.
    """
    half = count // 2
    exact = half // 2
    far = distances.abs()
    ratio = (far.float().clamp(min=1) / exact).log() / math.log(longest / exact)
    logarithmic = (exact + (ratio * (half - exact)).long()).clamp(max=half - 1)
    return torch.where(far < exact, far, logarithmic) + half * (distances > 0)


def _beyond(lengths: Sequence[int], device: torch.device) -> Tensor:
    return torch.arange(max(lengths), device=device)[None] >= torch.tensor(lengths, device=device)[:, None]
