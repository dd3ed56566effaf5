"""Messages between the tuner and the child process that builds and measures.

Every message is a frozen, picklable value. A request names its answer's type in its docstring. The child answers
with :class:`Answer` or :class:`Refusal`; if it does not answer at all, the runner raises ``WorkerDied``.
"""

from autotune.protocol.beginning import Companions, Prepared, Setup
from autotune.protocol.candidates import (
    Build,
    Built,
    Explore,
    Explored,
    Kernels,
    LookAtKernels,
    Measure,
    Measured,
    Observe,
    Observed,
    Rival,
)
from autotune.protocol.envelope import Answer, Refusal
from autotune.protocol.finalists import (
    Emulate,
    Emulated,
    Export,
    Exported,
    Footprint,
    Judge,
    Race,
    Raced,
    Recall,
    Recheck,
    Rechecked,
    Start,
)
from autotune.protocol.patience import Patience

__all__ = [
    "Answer",
    "Build",
    "Built",
    "Companions",
    "Emulate",
    "Emulated",
    "Explore",
    "Explored",
    "Export",
    "Exported",
    "Footprint",
    "Judge",
    "Kernels",
    "LookAtKernels",
    "Measure",
    "Measured",
    "Observe",
    "Observed",
    "Patience",
    "Prepared",
    "Race",
    "Raced",
    "Recall",
    "Recheck",
    "Rechecked",
    "Refusal",
    "Rival",
    "Setup",
    "Start",
]
