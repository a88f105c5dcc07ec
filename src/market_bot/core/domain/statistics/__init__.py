"""The statistics behind every judgement: pure, deterministic, each formula with its source.

Money goes in as floats in dollars and comes out as floats on a grid (see ``grid``); what cannot be
known is a value of its own (``NoInterval`` or ``None``), never a zero.
"""

from .bootstrap import (
    Bootstrapped,
    Bounds,
    Lack,
    NoInterval,
    block_bootstrap,
    block_length,
    cluster_bootstrap,
)
from .chance import rows_of_indexes
from .counts import (
    NegativeBinomial,
    binomial_at_least,
    binomial_at_most,
    fisher_exact,
    fit_negative_binomial,
    poisson_binomial_at_least,
    poisson_binomial_at_most,
    wilson,
)
from .forecasts import (
    CalibrationBin,
    Decomposition,
    Forecast,
    brier,
    calibration,
    decompose,
    log_loss,
)
from .grid import on_grid
from .multiplicity import benjamini_hochberg, holm
from .normal import expected_maximum, normal_cdf, normal_quantile
from .permutation import SignFlip, sign_flip
from .power import days_needed
from .returns import (
    Drawdown,
    calmar,
    deflated_sharpe,
    expectancy,
    max_drawdown,
    probabilistic_sharpe,
    profit_factor,
    sharpe,
    sortino,
)
from .robust import LeaveOneOut, leave_one_out, quantile, winsorised
from .sequential import EProcess

__all__ = [
    "Bootstrapped",
    "Bounds",
    "CalibrationBin",
    "Decomposition",
    "Drawdown",
    "EProcess",
    "Forecast",
    "Lack",
    "LeaveOneOut",
    "NegativeBinomial",
    "NoInterval",
    "SignFlip",
    "benjamini_hochberg",
    "binomial_at_least",
    "binomial_at_most",
    "block_bootstrap",
    "block_length",
    "brier",
    "calibration",
    "calmar",
    "cluster_bootstrap",
    "days_needed",
    "decompose",
    "deflated_sharpe",
    "expectancy",
    "expected_maximum",
    "fisher_exact",
    "fit_negative_binomial",
    "holm",
    "leave_one_out",
    "log_loss",
    "max_drawdown",
    "normal_cdf",
    "normal_quantile",
    "on_grid",
    "poisson_binomial_at_least",
    "poisson_binomial_at_most",
    "probabilistic_sharpe",
    "profit_factor",
    "quantile",
    "rows_of_indexes",
    "sharpe",
    "sign_flip",
    "sortino",
    "wilson",
    "winsorised",
]
