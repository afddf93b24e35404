"""Triton's kernels say what plain torch says: in Triton's interpreter here, and on a GPU where there is one."""

import pytest
import torch
from torch import Tensor

from watchpost.inference.qwen3_vl.kernels.operations import TritonOperations
from watchpost.inference.qwen3_vl.kernels.tiles import has_copy_engine
from watchpost.inference.qwen3_vl.kernels.vision import is_own, vision_attention
from watchpost.inference.qwen3_vl.operations import KeptKeys, TorchOperations, Tree
from watchpost.inference.qwen3_vl.projections import Activations

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
OURS, PLAIN = TritonOperations(), TorchOperations()
HALF = torch.bfloat16 if DEVICE.type == "cuda" else torch.float16  # Triton's interpreter does not multiply the former
# a card's matrix units round the 32-bit numbers that they multiply to 10 bits behind the point
EXACT_PRODUCTS = 2e-3 if DEVICE.type == "cuda" else 2e-6


@pytest.fixture(autouse=True)
def _same_numbers() -> None:
    torch.manual_seed(0)


def drawn(*size: int) -> Tensor:
    return torch.randn(*size, device=DEVICE)


def unscaled(activations: Activations) -> Tensor:
    return activations if isinstance(activations, Tensor) else activations.values.float() * activations.factors


def apart(ours: Activations, plain: Activations) -> float:
    difference = unscaled(ours).float() - unscaled(plain).float()
    return float(difference.norm() / unscaled(plain).float().norm())


def text_of(tokens: int, trunk: int, suffix: int, prefixes: tuple[int, int, int]) -> tuple[Tensor, KeptKeys, Tree]:
    """Queries, keys and values of two pictures, of the second and third of three slots."""
    kept = KeptKeys(drawn(3, 2, 80, 16), drawn(3, 2, 80, 16))
    lengths = torch.tensor(prefixes, dtype=torch.int32, device=DEVICE)
    slots = torch.tensor([1, 2], dtype=torch.int32, device=DEVICE)
    return drawn(2, tokens, 8, 16), kept, Tree(slots, lengths, trunk, suffix)


@pytest.mark.parametrize("columns", [64, 80])
@pytest.mark.parametrize("adds", [False, True])
def test_norms_equal_plain_torch_and_leave_the_same_stream(columns: int, adds: bool) -> None:  # noqa: FBT001  a parameter of pytest
    stream, delta = drawn(7, columns), drawn(7, columns) if adds else None
    weight, bias = drawn(columns), drawn(columns)
    ours, plain = stream.clone(), stream.clone()

    assert apart(
        OURS.rms_norm(ours, delta, weight, 1e-6, scaled=False), PLAIN.rms_norm(plain, delta, weight, 1e-6, scaled=False)
    ) < 1e-6  # fmt: skip
    assert torch.equal(ours, plain)
    assert apart(
        OURS.layer_norm(ours, delta, weight, bias, scaled=False),
        PLAIN.layer_norm(plain, delta, weight, bias, scaled=False),
    ) < 1e-6  # fmt: skip
    assert torch.equal(ours, plain)


def test_gates_equal_plain_torch() -> None:
    x = drawn(5, 160)

    assert apart(OURS.silu_gate(x, scaled=False), PLAIN.silu_gate(x, scaled=False)) < 1e-6
    assert apart(
        OURS.gelu_product(unscaled, x, scaled=False), PLAIN.gelu_product(unscaled, x, scaled=False)
    ) < 1e-6  # fmt: skip


def test_rows_are_scaled_to_eight_bits_within_their_rounding() -> None:
    x = drawn(5, 160)
    x[2, 150] = 90.0

    # e4m3 has three bits behind the point: 1/16 of a number at most, and the interpreter cuts where a GPU rounds
    assert apart(OURS.scale(x), x) < 0.07
    assert apart(PLAIN.scale(x), x) < 0.035


def test_turned_heads_equal_plain_torch() -> None:
    vision, text = drawn(2, 10, 3, 2, 24), drawn(2, 9, 8, 16)
    v_turns, t_turns = (drawn(10, 12), drawn(10, 12)), (drawn(2, 9, 8), drawn(2, 9, 8))
    norms = drawn(16), drawn(16)
    v_ours, v_plain, t_ours, t_plain = vision.clone(), vision.clone(), text.clone(), text.clone()

    OURS.rotate_vision(v_ours, *v_turns)
    PLAIN.rotate_vision(v_plain, *v_turns)
    OURS.rotate_text(t_ours, norms, 1e-6, t_turns, 2)
    PLAIN.rotate_text(t_plain, norms, 1e-6, t_turns, 2)

    assert apart(v_ours, v_plain) < 1e-6
    assert apart(t_ours, t_plain) < 1e-6


@pytest.mark.parametrize(
    ("tokens", "trunk", "suffix", "prefixes"),
    [(30, 20, 5, (0, 37, 70)), (9, 7, 2, (64, 1, 0)), (97, 85, 3, (5, 64, 65)), (20, 20, 1, (0, 0, 0))],
)
def test_attention_over_the_tree_equals_plain_torch(
    tokens: int, trunk: int, suffix: int, prefixes: tuple[int, int, int]
) -> None:
    qkv, kept, tree = text_of(tokens, trunk, suffix, prefixes)

    assert apart(OURS.tree_attention(qkv, kept, tree), PLAIN.tree_attention(qkv, kept, tree)) < EXACT_PRODUCTS


@pytest.mark.parametrize(("patches", "head_dim"), [(64, 64), (100, 64), (128, 72)])
def test_attention_of_patches_equals_plain_torch(patches: int, head_dim: int) -> None:
    qkv = drawn(2, patches, 3, 2, head_dim)

    assert apart(vision_attention(qkv), PLAIN.vision_attention(qkv)) < EXACT_PRODUCTS


@pytest.mark.parametrize(("patches", "tokens"), [(100, 30), (880, 238)])
def test_attentions_equal_plain_torch_in_sixteen_bits(patches: int, tokens: int) -> None:
    qkv, wider = drawn(2, patches, 3, 2, 64).to(HALF), drawn(2, 192, 3, 3, 72).to(HALF)
    text, kept, tree = text_of(tokens, tokens - 12, 2, (0, 37, 70))
    text, halved = text.to(HALF), KeptKeys(kept.keys.to(HALF), kept.values.to(HALF))
    kept = KeptKeys(halved.keys.float(), halved.values.float())

    assert apart(vision_attention(qkv), PLAIN.vision_attention(qkv.float())) < 5e-3
    assert apart(vision_attention(wider), PLAIN.vision_attention(wider.float())) < 5e-3
    assert apart(OURS.tree_attention(text, halved, tree), PLAIN.tree_attention(text.float(), kept, tree)) < 5e-3


def test_heads_of_no_power_of_two_are_the_librarys_where_their_last_tile_is_cut_short() -> None:
    assert is_own(drawn(1, 100, 3, 1, 64))
    assert not is_own(drawn(1, 100, 3, 1, 72))
    assert is_own(drawn(1, 128, 3, 1, 72)) == has_copy_engine(DEVICE)


@pytest.mark.parametrize("copied", [False, True])
def test_attentions_are_the_same_with_and_without_a_copy_engine(
    copied: bool,  # noqa: FBT001  a parameter of pytest
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if copied and not has_copy_engine(DEVICE):
        pytest.skip("this card has no copy engine")
    for module in ("tiles", "vision", "tree"):
        monkeypatch.setattr(f"watchpost.inference.qwen3_vl.kernels.{module}.has_copy_engine", lambda _: copied)
    qkv = drawn(2, 100, 3, 2, 64)
    text, kept, tree = text_of(30, 20, 5, (0, 37, 70))

    assert apart(vision_attention(qkv), PLAIN.vision_attention(qkv)) < EXACT_PRODUCTS
    assert apart(OURS.tree_attention(text, kept, tree), PLAIN.tree_attention(text, kept, tree)) < EXACT_PRODUCTS
