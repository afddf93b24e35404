"""The command `watchpost`. Each command imports what it needs when it runs, so that the command line stays quick."""

import json
import logging
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from watchpost.audit import audit_command
from watchpost.errors import WatchpostError

__all__ = ["main"]

app = typer.Typer(
    help="Watch many cameras where they stand; send only what matters.", no_args_is_help=True, add_completion=False
)
kafka_app = typer.Typer(help="The embedded Kafka.", no_args_is_help=True)
topics_app = typer.Typer(help="The topics that Watchpost needs.", no_args_is_help=True)
cameras_app = typer.Typer(help="The site's cameras.", no_args_is_help=True)
models_app = typer.Typer(help="The model catalogue.", no_args_is_help=True)
dlq_app = typer.Typer(help="Records that nobody could read.", no_args_is_help=True)
config_app = typer.Typer(help="The configuration file.", no_args_is_help=True)
bridge_app = typer.Typer(help="The bridge to the centre.", no_args_is_help=True)
token_app = typer.Typer(help="Who may call the api.", no_args_is_help=True)
for name, group in {
    "kafka": kafka_app,
    "topics": topics_app,
    "cameras": cameras_app,
    "models": models_app,
    "dlq": dlq_app,
    "config": config_app,
    "bridge": bridge_app,
    "token": token_app,
}.items():
    app.add_typer(group, name=name)
app.command("audit")(audit_command)

Config = Annotated[Path | None, typer.Option("--config", "-c", help="The site's YAML file; all defaults without one.")]
Model = Annotated[str | None, typer.Option(help="A model of the catalogue, NAME or NAME-int4; beats the file.")]
Device = Annotated[str | None, typer.Option(help="auto, cpu or cuda:N; beats the file.")]
AllowDownload = Annotated[
    bool, typer.Option("--allow-download", help="Fetch a model's directory from where it is published, if need be.")
]
DataDir = Annotated[Path, typer.Option(help="The broker's folder.")]
SourceTopic = Annotated[str, typer.Argument(help="The topic that they came from.")]
Labels = Annotated[Path, typer.Option(help="Labelled pictures, one JSON object a line.")]
AskedModel = Annotated[str | None, typer.Option(help="A model, NAME or NAME-int4; beats the file.")]
PulledNames = Annotated[list[str], typer.Argument(help="Names from the catalogue.")]
ModelNames = Annotated[list[str] | None, typer.Argument(help="All that are here without names.")]

_DATA_DIR = Path("var/kafka")


def main() -> None:
    """Run the command line; an error of ours becomes one line and exit code 1."""
    # a command says in one line what failed; a service lets its log say what librdkafka tries (`configure_logs`)
    logging.getLogger("librdkafka").setLevel(logging.CRITICAL)
    try:
        app()
    except WatchpostError as error:
        typer.secho(f"watchpost: {error}", fg="red", err=True)
        sys.exit(1)


def _tell_version(asked: bool) -> None:  # noqa: FBT001  (typer calls it so)
    if asked:
        from importlib.metadata import version

        typer.echo(f"watchpost {version('watchpost')}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def start(
    context: typer.Context,
    config: Config = None,
    model: Model = None,
    device: Device = None,
    allow_download: AllowDownload = False,
    version: Annotated[  # noqa: ARG001  (its callback answers)
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Say which version this is.")
    ] = False,
) -> None:
    """Watch many cameras where they stand; send only what matters.

    With `--config` and no command it runs a whole site, as `up` does.
    """
    if context.invoked_subcommand is None:
        up(config or _mounted_config(), model, device, allow_download)
    elif (config, model, device, allow_download) != (None, None, None, False):
        from watchpost.errors import ConfigError

        command = context.invoked_subcommand
        raise ConfigError("options", f"they stand before {command!r}", f"write watchpost {command} … --config FILE")


def _mounted_config() -> Path | None:
    """Where an image looks for its configuration, when something was mounted there."""
    path = os.environ.get("WATCHPOST_CONFIG")
    return Path(path) if path and Path(path).is_file() else None


@app.command()
def run(
    service: Annotated[str, typer.Argument(help="ingest, inference, events, bridge or api")],
    config: Config = None,
    allow_download: AllowDownload = False,
) -> None:
    """Run one service in the foreground."""
    from watchpost.errors import ConfigError
    from watchpost.settings import load_settings

    settings = load_settings(config)
    if allow_download:
        from watchpost.models import bring_model

        if service != "inference":
            raise ConfigError(
                "--allow-download", f"{service} loads no model", "write it after: watchpost run inference"
            )
        bring_model(settings)
    match service:
        case "ingest":
            from watchpost.ingest.pipeline import run as run_service
        case "inference":
            from watchpost.inference.pipeline import run as run_service
        case "events":
            from watchpost.events.pipeline import run as run_service
        case "bridge":
            from watchpost.bridge.pipeline import run as run_service
        case "api":
            from watchpost.api.pipeline import run as run_service
        case _:
            raise ConfigError("service", f"there is no {service!r}", "name ingest, inference, events, bridge or api")
    run_service(settings)

    from watchpost.telemetry import end_with_threads

    end_with_threads()


@app.command()
def up(
    config: Config = None, model: Model = None, device: Device = None, allow_download: AllowDownload = False
) -> None:
    """Run a whole site on this machine, each service as a supervised process, until Ctrl-C.

    SIGHUP, or a change of the file, reloads what can be reloaded.
    """
    from watchpost.site.flags import put_flags_in_force
    from watchpost.site.up import run_site

    put_flags_in_force(config, model, device)
    if allow_download:
        from watchpost.models import bring_model
        from watchpost.settings import load_settings

        bring_model(load_settings(config))
    run_site(config)


@app.command()
def demo(
    source: Annotated[str | None, typer.Option(help="A file or URL instead of the simulated street.")] = None,
    seconds: Annotated[float | None, typer.Option(min=1, help="Stop by itself after so long.")] = None,
    outage: Annotated[float | None, typer.Option(min=1, help="Cut the uplink for so many seconds, then end.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="End with one JSON line.")] = False,
) -> None:
    """Show a site and a centre at work: two real brokers, a camera, every service, and the events as they arrive."""
    from watchpost.site.demo import run_demo

    report = run_demo(source, seconds, outage)
    if as_json:
        typer.echo(json.dumps(report))


@app.command()
def analyze(
    file: Annotated[Path, typer.Argument(help="A recording.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    fps: Annotated[float, typer.Option(min=0.1, max=60, help="Frames analysed a second.")] = 5.0,
) -> None:
    """Run the site's analyzer and event logic over a recording, without Kafka."""
    from watchpost.analyze import analyze_file, as_text

    for line in analyze_file(file, fps=fps):
        typer.echo(json.dumps(line) if as_json else as_text(line))


@app.command()
def evaluate(
    labels: Labels,
    model: AskedModel = None,
    config: Config = None,
    compare: Annotated[
        str | None, typer.Option(metavar="LIST", help="Precisions such as fp16,int4, each in both prompt orders.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="End with one JSON line.")] = False,
) -> None:
    """Say how well a model answers labelled pictures, and how far its probabilities hold."""
    from watchpost.evaluation.commands import evaluate as evaluate_model
    from watchpost.evaluation.commands import precisions_of, with_model
    from watchpost.inference.analyzers import build_scorer
    from watchpost.settings import load_settings

    settings = with_model(load_settings(config), model)
    found = evaluate_model(labels, settings, build_scorer, precisions_of(compare))
    for line in [json.dumps(found.as_plain())] if as_json else found.lines():
        typer.echo(line)


@app.command()
def calibrate(
    labels: Labels,
    model: AskedModel = None,
    config: Config = None,
    camera: Annotated[str | None, typer.Option(help="This camera's answers alone.")] = None,
    out: Annotated[Path | None, typer.Option(help="Instead of the file in the site's state_dir.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="End with one JSON line.")] = False,
) -> None:
    """Fit temperature and bias of a model's answers to labelled pictures."""
    from watchpost.evaluation.commands import calibrate as calibrate_model
    from watchpost.evaluation.commands import with_model
    from watchpost.inference.analyzers import build_scorer
    from watchpost.settings import load_settings

    done = calibrate_model(labels, with_model(load_settings(config), model), build_scorer, camera, out)
    for line in [json.dumps(done.as_plain())] if as_json else done.lines():
        typer.echo(line)


@kafka_app.command("start")
def kafka_start(
    data_dir: DataDir = _DATA_DIR,
    port: Annotated[int, typer.Option(help="Where clients connect.")] = 9092,
    heap_mb: Annotated[int, typer.Option(help="The JVM's heap.")] = 256,
) -> None:
    """Start a broker in the background; it runs until `watchpost kafka stop`."""
    from watchpost.stream.kafka_commands import start_kafka

    typer.echo(json.dumps(start_kafka(data_dir, port=port, heap_mb=heap_mb).as_plain()))


@kafka_app.command("fetch")
def kafka_fetch() -> None:
    """Bring the broker's jars to this machine, verified, so that a start needs no network."""
    from watchpost.stream.kafka_commands import fetch_kafka

    typer.echo(f"{fetch_kafka()} jars are here")


@kafka_app.command("stop")
def kafka_stop(data_dir: DataDir = _DATA_DIR) -> None:
    """Stop the broker of this folder."""
    from watchpost.stream.kafka_commands import stop_kafka

    typer.echo("stopped" if stop_kafka(data_dir) else "was not running")


@kafka_app.command("status")
def kafka_status(data_dir: DataDir = _DATA_DIR) -> None:
    """Tell whether the broker of this folder runs, and where."""
    from watchpost.stream.kafka_commands import kafka_status as status_of

    typer.echo(json.dumps(status_of(data_dir).as_plain()))


@topics_app.command("apply")
def topics_apply(
    config: Config = None,
    central: Annotated[bool, typer.Option("--central", help="The centre's topics instead of the site's.")] = False,
) -> None:
    """Create what is missing; report, and never change, what differs."""
    from watchpost.settings import load_settings
    from watchpost.site.topics import apply_site_topics

    for line in apply_site_topics(load_settings(config), "central" if central else "site").lines():
        typer.echo(line)


@cameras_app.command("apply")
def cameras_apply(
    config: Config = None,
    watch: Annotated[bool, typer.Option("--watch", help="Go on: again whenever the file changes.")] = False,
) -> None:
    """Tell the site's Kafka the cameras of the file, and take back those that the file no longer names."""
    from watchpost.errors import ConfigError
    from watchpost.settings import load_settings
    from watchpost.site.camera_loading import keep_cameras_applied
    from watchpost.site.specs import publish_camera_specs

    if not watch:
        for line in publish_camera_specs(load_settings(config)).lines():
            typer.echo(line)
    elif config is None:
        raise ConfigError("--watch", "there is no file to watch", "name it with --config")
    else:
        keep_cameras_applied(config)


@models_app.command("list")
def models_list(config: Config = None) -> None:
    """Show the catalogue and what of it is here."""
    from watchpost.models.commands import describe_models
    from watchpost.settings import load_settings

    for line in describe_models(load_settings(config).models_catalogue):
        typer.echo(line)


@models_app.command("pull")
def models_pull(names: PulledNames, config: Config = None, allow_download: AllowDownload = False) -> None:
    """Fetch models and verify them; a model that is a directory only with --allow-download."""
    from watchpost.models.commands import pull_models
    from watchpost.settings import load_settings

    for line in pull_models(names, load_settings(config).models_catalogue, allow_download=allow_download):
        typer.echo(line)


@models_app.command("verify")
def models_verify(names: ModelNames = None, config: Config = None) -> None:
    """Compare what is here with the catalogue's checksums; say each directory's digest."""
    from watchpost.models.commands import verify_models
    from watchpost.settings import load_settings

    for line in verify_models(names or [], load_settings(config).models_catalogue):
        typer.echo(line)


@dlq_app.command("list")
def dlq_list(topic: SourceTopic, config: Config = None) -> None:
    """Show the dead letters of a topic, one JSON object a line."""
    from watchpost.settings import load_settings
    from watchpost.site.dead_letters import describe_dead_letters

    for letter in describe_dead_letters(load_settings(config), topic):
        typer.echo(json.dumps(letter))


@dlq_app.command("replay")
def dlq_replay(topic: SourceTopic, config: Config = None) -> None:
    """Send the dead letters of a topic back to it, each once."""
    from watchpost.settings import load_settings
    from watchpost.site.dead_letters import replay

    typer.echo(f"{replay(load_settings(config), topic)} replayed")


@config_app.command("check")
def config_check(
    file: Annotated[Path, typer.Argument(help="The site's YAML file.")],
    size: Annotated[str | None, typer.Option(metavar="WxH", help="The cameras' pictures, where unknown.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Say whether the file is sound, every value in force, and what it comes to in pixels."""
    from watchpost.site.config_report import parse_size, report_config
    from watchpost.site.config_text import as_plain, as_text

    report = report_config(file, None if size is None else parse_size(size))
    if as_json:
        typer.echo(json.dumps(as_plain(report), indent=2))
        return
    for line in as_text(report, file):
        typer.echo(line)


@config_app.command("schema")
def config_schema() -> None:
    """Print the JSON schema of the configuration file, for editors."""
    from watchpost.settings import config_schema as schema_of_settings

    typer.echo(json.dumps(schema_of_settings(), indent=2))


@bridge_app.command("adopt")
def bridge_adopt(config: Config = None) -> None:
    """Accept that this site's Kafka is another cluster than the centre knows, and begin a new epoch."""
    from watchpost.bridge.pipeline import adopt
    from watchpost.settings import load_settings

    typer.echo(adopt(load_settings(config)))


@token_app.command("new")
def token_new(
    name: Annotated[str, typer.Argument(help="Whose it is.")],
    role: Annotated[str, typer.Option(help="viewer, operator or admin")] = "viewer",
) -> None:
    """Make a token. It is shown this once; the configuration holds only its digest."""
    from watchpost.api.tokens import describe_new_token

    for line in describe_new_token(name, role):
        typer.echo(line)
