"""Finished runs in MLflow: its tracking server, or its database or files on this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autotune.errors import UserError
from autotune.outcome import RunRecord
from autotune.report.tracked import FILES, tracked

if TYPE_CHECKING:
    from mlflow import MlflowClient

EXPERIMENT = "autotune"
# MLflow's servers take no more at once.
_MOST_POINTS, _MOST_PARAMETERS = 1000, 100
_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",  # nothing leaves this machine that the user did not ask for
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",  # by default it takes minutes to say that nobody answers
}


class Tracker:
    """MLflow at a place that was seen to answer."""

    def __init__(self, uri: str) -> None:
        """Find MLflow, and the experiment: that of ``MLFLOW_EXPERIMENT_NAME``, else ``autotune``; it is made if new.

        Args:
            uri: as MLflow takes it: ``http://host:5000``, ``sqlite:///mlflow.db``, ...

        Raises:
            UserError: MLflow is not installed, or does not answer there.
        """
        for name, value in _ENVIRONMENT.items():
            os.environ.setdefault(name, value)
        try:
            from mlflow import MlflowClient
        except ImportError as error:
            raise UserError("--mlflow needs MLflow; install it with: pip install 'autotune[mlflow]'.") from error
        self._uri = uri
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME", EXPERIMENT)
        with _reaching(uri, "give the URI of a running tracking server, or of a database such as sqlite:///mlflow.db"):
            self._client: MlflowClient = MlflowClient(tracking_uri=uri)
            found = self._client.get_experiment_by_name(name)
            self._experiment = found.experiment_id if found else self._client.create_experiment(name)

    def log(self, run: RunRecord, folder: Path) -> str:
        """Keep a finished run: parameters, metrics, tags, and the files of its folder with the model.

        Returns:
            What to tell the user: MLflow's id of the run.

        Raises:
            UserError: MLflow does not answer any more, or refuses something.
        """
        from mlflow.entities import Metric, Param, RunTag

        begun = datetime.fromisoformat(run.started).timestamp()
        ended = begun + run.wall_seconds
        kept = tracked(run, ended)
        parameters = [Param(name, value) for name, value in kept.parameters.items()]
        points = [Metric(p.metric, p.value, _milliseconds(p.at), p.step) for p in kept.points]
        with _reaching(self._uri, f"the run is whole in {folder}; log it later: autotune report {folder} --mlflow URI"):
            made = self._client.create_run(self._experiment, start_time=_milliseconds(begun), run_name=run.name)
            number: str = made.info.run_id
            self._client.log_batch(number, tags=[RunTag(name, value) for name, value in kept.tags.items()])
            for some in _parts(parameters, _MOST_PARAMETERS):
                self._client.log_batch(number, params=some)
            for some in _parts(points, _MOST_POINTS):
                self._client.log_batch(number, metrics=some)
            for path in (folder / name for name in FILES if (folder / name).exists()):
                log = self._client.log_artifacts if path.is_dir() else self._client.log_artifact
                log(number, str(path), path.name if path.is_dir() else None)
            status = "KILLED" if run.outcome == "interrupted" else "FINISHED"
            self._client.set_terminated(number, status, _milliseconds(ended))
        return f"MLflow run {number}"


def reach(uri: str | None) -> Tracker | None:
    """Return MLflow at ``uri``, None where it is not asked for.

    Raises:
        UserError: see :class:`Tracker`.
    """
    return None if uri is None else Tracker(uri)


@contextmanager
def _reaching(uri: str, advice: str) -> Iterator[None]:
    """Turn what MLflow raises into one sentence with advice."""
    from mlflow.exceptions import MlflowException

    try:
        yield
    except (MlflowException, OSError, ImportError) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"--mlflow {uri}: MLflow says: {reason} ({advice}).") from error


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1000)


def _parts(values: list[Any], most: int) -> Iterator[list[Any]]:
    for begin in range(0, len(values), most):
        yield values[begin : begin + most]
