"""Which analyzer the settings ask for."""

import structlog

from watchpost.errors import ConfigError, ModelError, RetryableError
from watchpost.inference.analyzer import Analyzer
from watchpost.inference.calibration_file import calibration_path, read_calibration
from watchpost.inference.canvas_sizes import CANVAS_SIZES_PX
from watchpost.inference.question_analyzer import LookRules, QuestionAnalyzer
from watchpost.inference.remote.scorer import RemoteScorer
from watchpost.inference.scorer import Scorer
from watchpost.inference.stages import StageListener, untold
from watchpost.inference.yolox import YoloxAnalyzer, load_yolox
from watchpost.models import (
    ALONGSIDE,
    REMOTE,
    ChosenModel,
    ModelKind,
    check_questions,
    check_torch,
    default_models_dir,
    load_catalogue,
    model_directory,
    model_in_force,
)
from watchpost.settings import InferenceSettings, RemoteSettings, Scope, SiteSettings, version_of

__all__ = ["build_analyzer", "build_scorer", "look_rules"]

_LOG = structlog.get_logger()
_KEY = "model_params.model"


def build_analyzer(settings: SiteSettings, told: StageListener = untold) -> Analyzer:
    """The analyzer of `model_params.model`, its files verified. Its model tells `told` how long its stages take.

    Raises ConfigError for a model that nothing here can run, ModelError for one whose files are missing or unusable.
    """
    chosen = _chosen(settings)
    check_questions(settings)
    if chosen.kind is ModelKind.DETECTOR:
        return _detector(chosen.name, settings, told)
    return QuestionAnalyzer(
        _scorer(chosen, settings, told),
        _detector(ALONGSIDE, settings),
        read_calibration(calibration_path(settings.state_dir)),
        version_of(settings, Scope.INFERENCE),
        look_rules(chosen, settings.inference),
        falls_back=chosen.kind is ModelKind.REMOTE and settings.remote is not None and settings.remote.fallback,
    )


def build_scorer(settings: SiteSettings) -> Scorer:
    """The model that is asked questions.

    Raises ConfigError for one that weighs no answers, else as `build_analyzer`.
    """
    chosen = _chosen(settings)
    if chosen.kind is ModelKind.DETECTOR:
        known = ", ".join([*load_catalogue(settings.models_catalogue).directories(), REMOTE])
        raise ConfigError(_KEY, f"{chosen.name} weighs no answers", f"use one of {known}")
    return _scorer(chosen, settings)


def _chosen(settings: SiteSettings) -> ChosenModel:
    chosen = model_in_force(settings)
    for remark in chosen.remarks:
        _LOG.info("model_runs_as_it_can", remark=remark)
    return chosen


def look_rules(chosen: ChosenModel, asked: InferenceSettings) -> LookRules:
    """What the settings ask for, as far as the model can do it."""
    return LookRules(
        # OpenAI's interface has no way to say that two pictures are one look
        pair_frames=asked.pair_frames and chosen.kind is not ModelKind.REMOTE,
        canvases=CANVAS_SIZES_PX if asked.crop_to_motion else (),
        least_mass=asked.unsure_below,
    )


def _detector(name: str, settings: SiteSettings, told: StageListener = untold) -> YoloxAnalyzer:
    return load_yolox(
        name,
        default_models_dir(),
        version_of(settings, Scope.INFERENCE),
        threads=settings.inference.threads,
        catalogue=load_catalogue(settings.models_catalogue),
        told=told,
    )


def _scorer(chosen: ChosenModel, settings: SiteSettings, told: StageListener = untold) -> Scorer:
    directory = model_directory(settings)
    if directory is None:
        if settings.remote is None:
            raise ConfigError("remote", "is not set, and model_params.model is remote", "write remote: {url, model}")
        return _remote_scorer(settings.remote)
    check_torch(chosen)
    # a base install has no torch: what needs it is imported where it is there
    from watchpost.inference.qwen3_vl.loading import Loading, load_scorer  # noqa: PLC0415

    return load_scorer(
        Loading(
            name=chosen.name,
            directory=directory.path,
            digest=directory.digest,
            asked=chosen.precision,
            device=chosen.device,
            largest_batch=settings.inference.batch,
            offload=chosen.offload == "cpu",
        ),
        told,
    )


def _remote_scorer(remote: RemoteSettings) -> RemoteScorer:
    scorer = RemoteScorer(remote)
    try:
        scorer.check()
    except (ModelError, RetryableError) as problem:
        if isinstance(problem, ModelError) and not remote.fallback:
            raise
        _LOG.warning("remote_server_fails", problem=str(problem))
    return scorer
