"""What the quality check looks for, and how sure it must be: one frozen object, kept with every result."""

from __future__ import annotations

from dataclasses import dataclass

from talik.errors import UsageError

CHECKS = ("sentinel", "range", "stamps", "spike", "flat", "step", "depth", "drift", "snow")
"""The checks, in the order in which they are made; each sees what those before it left (step sees stuck values)."""
SENTINELS = (-999.0, -999.9, -999.99, -9999.0, 999.0, 999.9, 999.99, 9999.0, 9999.9, 6999.0, -6999.0, 7999.0, -7999.0,
             -11111.0, -888.88, 888.88, -327.68, 327.67, 3276.7, -3276.8, 32767.0, -32768.0, 655.35, 1e20, -1e20,
             9.96921e36, -127.0, 85.0)
"""Fill values met in real files, and those of common number formats; -127 and 85 are the DS18B20's."""
SATURATED = (537.327, -126.34, -135.67)
"""What loggers write for an open or a shorted circuit."""


@dataclass(frozen=True, slots=True)
class Rules:
    """
    What the check looks for, and how sure it must be.

    Parameters
    ----------
    checks : tuple of str
        Which of `CHECKS` are made.
    sentinels : tuple of float
        Fill values that files do not declare.
    saturated : tuple of float
        End values of loggers: open and short circuit.
    air, surface, ground : tuple of float
        Possible temperatures [°C] of the air (negative height), down to 5 cm, and deeper. Columns whose depth is
        unknown are held against the widest.
    spike_floor, spike_factor : float
        A spike is farther from the median of the five samples around it than `spike_floor` [K] and than
        `spike_factor` times the season's own scatter (90 % quantile over ten days).
    step_floor, step_factor, step_days : float
        The same for jumps between neighbouring samples whose level stays; a jump back within `step_days` ends it.
    step_tail : float
        In air, down to 5 cm, and where the depth is unknown, a step is also larger than this many times the change
        that one sample in a thousand exceeds: fronts are no steps.
    flat_days, flat_samples : float, int
        A run of one value is looked at when it lasts as long and has as many samples.
    depth_slack, lag_slack : float
        By how much amplitude (relative) and day of maximum [d] may contradict the order of depths.
    diffusivity : tuple of float
        Thermal diffusivities [m2 s-1] that the damping may imply; beyond them the depths have a wrong unit. Latent
        heat brings wet ground down to 9e-9 (lowest of 244 invented sites), metres taken for centimetres any to
        1e-10 at most.
    drift : float
        A zero curtain farther from 0 °C than this [K] is drift. In fine or salty ground it lies truly below.
    correct_drift : bool
        Whether to subtract the drift (interpolated between the years' zero curtains). Recorded and flagged.

    Raises
    ------
    UsageError
        If a check does not exist, or a range is upside down.
    """

    checks: tuple[str, ...] = CHECKS
    sentinels: tuple[float, ...] = SENTINELS
    saturated: tuple[float, ...] = SATURATED
    air: tuple[float, float] = (-90.0, 60.0)
    surface: tuple[float, float] = (-75.0, 75.0)
    ground: tuple[float, float] = (-60.0, 50.0)
    spike_floor: float = 1.0
    spike_factor: float = 8.0
    step_floor: float = 2.0
    step_factor: float = 12.0
    step_days: float = 120.0
    step_tail: float = 3.0
    flat_days: float = 3.0
    flat_samples: int = 10
    depth_slack: float = 0.05
    lag_slack: float = 2.0
    diffusivity: tuple[float, float] = (1e-9, 5e-5)
    drift: float = 0.25
    correct_drift: bool = False

    def __post_init__(self) -> None:
        for name in self.checks:
            if name not in CHECKS:
                raise UsageError(f"check {name!r} does not exist; there are {', '.join(CHECKS)}")
        for name in ("air", "surface", "ground", "diffusivity"):
            low, high = getattr(self, name)
            if not low < high:
                raise UsageError(f"rules: {name} goes from {low} to {high}, expected the lower end first")
