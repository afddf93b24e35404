"""A model that an operator brings as a directory: found, held to what it says of itself, and pinned."""

import json
import shutil
from pathlib import Path

import pytest

from tests.fakes.tiny_qwen import Fault, write_broken_qwen, write_tiny_qwen
from watchpost.errors import ConfigError, ModelError
from watchpost.models import (
    ModelKind,
    check_loadable,
    check_present,
    choose_model,
    digest_of_directory,
    directory_of,
    load_catalogue,
    model_directory,
    pull,
    verify,
)
from watchpost.models.commands import describe_models, pull_models, verify_models
from watchpost.settings import ModelParams, SiteSettings, settings_from
from watchpost.site.config_report import report_config
from watchpost.site.config_text import as_plain

NAME = "qwen3-vl-4b"
FIRST, LAST = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"


@pytest.fixture(autouse=True)
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "models"
    monkeypatch.setenv("WATCHPOST_MODELS", str(folder))
    monkeypatch.delenv("WATCHPOST_BUNDLED_MODELS", raising=False)
    return folder


def settings(model: str, **more: str) -> SiteSettings:
    return settings_from({"model_params": {"model": model, **more}})


def refusal(model: str) -> str:
    with pytest.raises(ModelError) as refused:
        check_present(settings(model))
    return str(refused.value)


def test_whole_directory_is_found_with_its_digest(tiny_qwen: Path, models: Path) -> None:
    shutil.copytree(tiny_qwen, models / NAME)

    found = model_directory(settings(f"{NAME}-int8"))

    assert found is not None
    assert (found.path, found.digest) == (models / NAME, digest_of_directory(tiny_qwen))
    assert model_directory(settings("yolox-nano")) is None


def test_models_dir_of_the_issue_is_looked_in_and_watchposts_own_goes_first(
    tiny_qwen: Path, models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODELS_DIR", str(tmp_path / "other"))
    shutil.copytree(tiny_qwen, tmp_path / "other" / NAME)

    assert str(models / NAME) in refusal(NAME)
    monkeypatch.delenv("WATCHPOST_MODELS")

    check_present(settings(NAME))


def test_worker_can_load_what_is_here_with_all_its_parts(
    tiny_qwen: Path, models: Path, models_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ModelError, match="run: watchpost models pull yolox-nano"):
        check_loadable(settings("yolox-nano"))
    shutil.copytree(models_dir / "yolox-nano", models / "yolox-nano")
    with pytest.raises(ModelError, match="run: watchpost models pull movenet-multipose"):
        check_loadable(settings("yolox-nano"))
    shutil.copytree(models_dir / "movenet-multipose", models / "movenet-multipose")
    check_loadable(settings("yolox-nano"))

    with pytest.raises(ModelError, match="looked in"):
        check_loadable(settings(NAME))
    shutil.copytree(tiny_qwen, models / NAME)
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(ConfigError, match=r"^model_params\.model: qwen3-vl-4b needs torch, which is not installed"):
        check_loadable(settings(NAME))
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: object())
    check_loadable(settings(NAME))


def test_missing_model_says_where_it_was_looked_for_and_two_ways_to_get_it(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHPOST_BUNDLED_MODELS", str(tmp_path / "image"))

    said = refusal(f"{NAME}-int4")

    for place in (
        models / f"{NAME}-int4",
        tmp_path / "image" / f"{NAME}-int4",
        models / NAME,
        tmp_path / "image" / NAME,
    ):
        assert f"{place} (no such directory)" in said
    assert "run: watchpost models pull qwen3-vl-4b --allow-download" in said
    assert "copy the whole directory of Qwen/Qwen3-VL-4B-Instruct there" in said


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault.SHARD_MISSING, f"missing: {LAST}"),
        (Fault.WEIGHTS_CUT_SHORT, f"{LAST} has "),
        (Fault.OTHER_ARCHITECTURE, "config.json: model_type is 'llava', not qwen3_vl or qwen3_vl_moe"),
    ],
)
def test_broken_directory_is_refused_with_its_fault(models: Path, fault: Fault, said: str) -> None:
    write_broken_qwen(models / NAME, fault)

    assert f"{models / NAME} ({said}" in refusal(NAME)


def test_every_fault_is_told_at_once(models: Path) -> None:
    write_tiny_qwen(models / NAME, shards=2)
    (models / NAME / "tokenizer.json").write_text("{")
    (models / NAME / "config.json").unlink()
    (models / NAME / FIRST).write_bytes(b"short")
    (models / NAME / LAST).unlink()

    said = refusal(NAME)

    assert f"missing: config.json, {LAST}" in said
    assert "tokenizer.json cannot be read" in said
    assert f"{FIRST} is no safetensors file, or was cut short" in said


@pytest.mark.parametrize("cut", [0, 7, 8, 100, 5000, -1])
def test_weights_cut_anywhere_are_refused(models: Path, cut: int) -> None:
    write_tiny_qwen(models / NAME)
    weights = models / NAME / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:cut])

    assert "model.safetensors" in refusal(NAME)


@pytest.mark.parametrize("index", ["{", "[]", '{"weight_map": [1]}', '{"weight_map": {"a": "../../etc/passwd"}}'])
def test_index_that_is_none_is_refused(models: Path, index: str) -> None:
    write_tiny_qwen(models / NAME, shards=2)
    (models / NAME / "model.safetensors.index.json").write_text(index)

    assert "model.safetensors.index.json" in refusal(NAME)


def test_shard_without_a_tensor_that_the_index_looks_for_there_is_refused(models: Path) -> None:
    write_tiny_qwen(models / NAME, shards=2)
    index = models / NAME / "model.safetensors.index.json"
    content = json.loads(index.read_text())
    content["weight_map"]["model.visual.extra"] = LAST
    index.write_text(json.dumps(content))

    assert f"{LAST} lacks model.visual.extra" in refusal(NAME)


@pytest.mark.parametrize(
    ("stored", "refused"),
    [
        ({"quant_method": "bitsandbytes", "load_in_4bit": True, "bnb_4bit_quant_type": "nf4"}, False),
        ({"quant_method": "bitsandbytes", "load_in_8bit": True}, True),
        ({"quant_method": "fp8"}, True),
    ],
)
def test_weights_that_were_quantised_otherwise_are_refused(
    models: Path, stored: dict[str, object], *, refused: bool
) -> None:
    write_tiny_qwen(models / NAME)
    config = json.loads((models / NAME / "config.json").read_text()) | {"quantization_config": stored}
    (models / NAME / "config.json").write_text(json.dumps(config))

    if refused:
        assert f"quantised by {stored['quant_method']}" in refusal(NAME)
    else:
        check_present(settings(NAME))


def test_directory_stored_in_four_bits_goes_first_for_int4_alone(tiny_qwen: Path, models: Path) -> None:
    for name in (NAME, f"{NAME}-int4"):
        shutil.copytree(tiny_qwen, models / name)

    def found(precision: str) -> Path:
        return directory_of(NAME, models, precision=precision)

    assert found("int4") == models / f"{NAME}-int4"
    assert found("int8") == found("fp16") == models / NAME


def test_broken_directory_is_not_passed_over_for_the_next_one(tiny_qwen: Path, models: Path) -> None:
    shutil.copytree(tiny_qwen, models / NAME)
    write_broken_qwen(models / f"{NAME}-int4", Fault.SHARD_MISSING)

    assert f"{NAME}-int4 (missing: {LAST})" in refusal(f"{NAME}-int4")


def test_model_may_be_named_by_its_path(tiny_qwen: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_qwen, tmp_path / "our-own")

    found = model_directory(settings(f"{tmp_path}/our-own/int8"))

    assert found is not None
    assert found.path == tmp_path / "our-own"
    chosen = choose_model(ModelParams(model=f"{tmp_path}/our-own/int8"), load_catalogue())
    assert (chosen.name, chosen.precision, chosen.kind) == ("our-own", "int8", ModelKind.DIRECTORY)
    assert f"{tmp_path}/none (no such directory); copy the whole directory there" in refusal(f"{tmp_path}/none")


def test_config_check_tells_a_model_that_is_named_by_its_path(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("model_params: {model: /srv/ours/int8, device: 'cuda:0', offload: cpu}")

    told = json.loads(json.dumps(as_plain(report_config(config))))

    assert told["model"]["path"] == "/srv/ours"
    assert (told["model"]["name"], told["model"]["precision"], told["model"]["offload"]) == ("ours", "int8", "cpu")


def test_mixture_of_experts_in_a_directory_of_ones_own_is_refused_in_fewer_bits(tmp_path: Path) -> None:
    write_tiny_qwen(tmp_path / "ours", experts=True)

    check_present(settings(f"{tmp_path}/ours"))
    with pytest.raises(ConfigError, match="ours does not come in int8: its weights are experts"):
        check_present(settings(f"{tmp_path}/ours", precision="int8"))


def test_pinned_model_is_taken_and_another_refused(tiny_qwen: Path, models: Path) -> None:
    shutil.copytree(tiny_qwen, models / NAME)
    digest = digest_of_directory(tiny_qwen)

    check_present(settings(NAME, digest=digest))
    with pytest.raises(ConfigError, match=f"model_params.digest: what lies in .* is {digest}, not sha256:0000"):
        check_present(settings(NAME, digest=f"sha256:{'0' * 64}"))


def test_digest_is_of_the_files_and_not_of_their_place_or_age(tiny_qwen: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_qwen, tmp_path / "copy", copy_function=shutil.copyfile)

    assert digest_of_directory(tmp_path / "copy") == digest_of_directory(tiny_qwen)


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json"])
def test_digest_changes_with_what_is_said_of_the_model(tmp_path: Path, name: str) -> None:
    write_tiny_qwen(tmp_path)
    before = digest_of_directory(tmp_path)

    with (tmp_path / name).open("a") as opened:
        opened.write(" ")

    assert digest_of_directory(tmp_path) != before


def test_digest_tells_a_fine_tuned_model_from_its_origin(tmp_path: Path) -> None:
    write_tiny_qwen(tmp_path)
    before, weights = digest_of_directory(tmp_path), tmp_path / "model.safetensors"
    data = bytearray(weights.read_bytes())
    count = 8 + int.from_bytes(data[:8], "little")
    entry = json.loads(data[8:count])["model.language_model.layers.2.self_attn.q_proj.weight"]
    begin, end = (count + offset for offset in entry["data_offsets"])

    data[begin:end] = bytes(byte ^ 1 for byte in data[begin:end])
    weights.write_bytes(data)

    assert digest_of_directory(tmp_path) != before


@pytest.mark.parametrize(
    ("asked", "in_force", "remark"),
    [
        ({"model": NAME}, ("fp16", "auto"), None),
        ({"model": f"{NAME}-int4", "device": "cuda:1"}, ("int4", "cuda:1"), None),
        ({"model": NAME, "precision": "fp32"}, ("fp16", "auto"), "fp32 is not in force there"),
        ({"model": NAME, "device": "cpu"}, ("fp32", "cpu"), None),
        ({"model": NAME, "device": "cpu", "precision": "fp32"}, ("fp32", "cpu"), None),
        ({"model": f"{NAME}-int8", "device": "cpu"}, ("fp32", "cpu"), "a CPU computes in fp32"),
        ({"model": NAME, "device": "cpu", "offload": "cpu"}, ("fp32", "cpu"), "nothing is left to offload"),
    ],
)
def test_precision_and_device_in_force_are_told(
    asked: dict[str, str], in_force: tuple[str, str], remark: str | None
) -> None:
    chosen = choose_model(ModelParams.model_validate(asked), load_catalogue())

    assert (chosen.precision, chosen.device) == in_force
    assert (remark or "") in " ".join(chosen.remarks)
    assert bool(chosen.remarks) == (remark is not None)


def test_list_says_what_is_absent_here_and_broken_and_how_large(tiny_qwen: Path, models: Path) -> None:
    shutil.copytree(tiny_qwen, models / NAME)
    shutil.copytree(tiny_qwen, models / f"{NAME}-int4")
    write_broken_qwen(models / "qwen3-vl-8b", Fault.SHARD_MISSING)

    states = {line.split()[0]: line.split()[1:4] for line in describe_models(None)}

    assert states[NAME] == states[f"{NAME}-int4"] == ["here", "0.0", "GB"]
    assert states["qwen3-vl-8b"][0] == "BROKEN"
    assert states["qwen3-vl-30b"][:2] == ["absent", "-"]


def test_verify_says_the_digest_to_pin_and_names_what_is_broken(tiny_qwen: Path, models: Path) -> None:
    shutil.copytree(tiny_qwen, models / f"{NAME}-int4")

    assert list(verify_models([], None)) == [f"{NAME}-int4: whole, {digest_of_directory(tiny_qwen)}"]
    write_broken_qwen(models / "qwen3-vl-8b", Fault.WEIGHTS_CUT_SHORT)
    with pytest.raises(ModelError, match=rf"'qwen3-vl-8b' is not usable: .*{LAST} has \d+ bytes, not \d+"):
        list(verify_models([], None))


def test_pull_of_a_directory_that_is_here_tells_its_place(tiny_qwen: Path, models: Path) -> None:
    shutil.copytree(tiny_qwen, models / NAME)

    assert list(pull_models([NAME], None)) == [f"{NAME}: {models / NAME}"]


def test_directory_is_no_file_to_be_verified_by_sums(models: Path) -> None:
    for call in (pull, verify):
        with pytest.raises(ModelError, match="is a directory"):
            call(NAME, models)


def test_own_catalogue_may_name_a_repository_and_nothing_else_beside_it(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    entry = {"purpose": "x", "licence": "y", "origin": "z", "repository": "we/our-model"}
    own.write_text(json.dumps({"models": {"ours": entry}}))

    chosen = choose_model(ModelParams(model="ours-int8"), load_catalogue(own))

    assert (chosen.name, chosen.kind) == ("ours", ModelKind.DIRECTORY)
    own.write_text(json.dumps({"models": {"ours": entry | {"repository": None}}}))
    with pytest.raises(ConfigError, match="either files or a repository"):
        load_catalogue(own)
