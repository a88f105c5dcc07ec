"""A night's report as a page: one file, no script, nothing from anywhere else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any, Final

_STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;"
    "color:#1c1e21;background:#fff}table{border-collapse:collapse;width:100%;margin:.5rem 0}"
    "th,td{text-align:left;padding:.25rem .6rem;border-bottom:1px solid #ddd;vertical-align:top}"
    "td.n{text-align:right;font-variant-numeric:tabular-nums}section{margin:2rem 0}"
    ".card{border:1px solid #bbb;border-radius:.5rem;padding:1rem;margin:1rem 0}"
    "code{overflow-wrap:anywhere}h1{font-size:1.5rem}h2{font-size:1.2rem}"
    "@media(prefers-color-scheme:dark){body{color:#e4e6e8;background:#16181b}"
    "th,td{border-color:#444}.card{border-color:#666}}"
)
_SEEN: Final = ("confirmed", "suspect")
_LABELS: Final = {
    "verdict": "verdict of the replay",
    "why": "because",
    "class": "how much was recorded",
    "per_day": "dollars a day more than now",
    "per_day_low": "at least",
    "per_day_high": "at most",
    "days": "days replayed",
    "days_better": "days better",
    "days_worse": "days worse",
    "worst_day": "worst day",
    "trades": "trades more or fewer",
    "trades_ratio": "trades, as a multiple of now",
    "max_exposure": "most that could be lost at once, change",
    "variants_tried": "variants tried within a month",
    "neighbours": "a step further",
    "left_out": "days left out, since the finding comes from them",
    "coverage": "recordings",
    "fidelity": "decisions decided again alike",
    "fill_model": "fill model",
    "revert_when": "what would make us revert",
    "days_needed": "days that a proof would take",
}


def page_of(report: Mapping[str, Any]) -> str:
    """Return the page of a report; whatever stands in it is shown as text."""
    body = "".join(
        [
            f"<h1>Night of {_t(report['night'])}, {_t(report['chain'])}</h1>",
            f"<p>It judges the day from {_t(report['since'])} to {_t(report['until'])}.</p>",
            _note(report),
            _proposals(report),
            _findings(report["findings"]),
            _money(report),
            _quiet(report),
        ]
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>Night of {_t(report['night'])}</title><style>{_STYLE}</style></head>"
        f"<body>{body}</body></html>\n"
    )


def _note(report: Mapping[str, Any]) -> str:
    return "".join(f"<p><strong>{_t(note)}</strong></p>" for note in report.get("about", ()))


def _proposals(report: Mapping[str, Any]) -> str:
    if "proposals" not in report:
        return "<section><h2>Proposals</h2><p>They are still worked on.</p></section>"
    cards = "".join(_card(one) for one in report["proposals"])
    refused = _rows(
        ("knob", "to", "layer", "reason"),
        [
            [one["path"], one["after"], one["layer"], one["reason"]]
            for one in report["not_proposed"]
        ],
    )
    told = cards or f"<p>Nothing is proposed{_silence(report['advice'])}.</p>"
    return f"<section><h2>Proposals</h2>{told}{refused}</section>"


def _silence(advice: Mapping[str, Any]) -> str:
    silence = advice.get("silence")
    return f": {_t(str(silence).replace('_', ' '))}" if silence else ""


def _card(one: Mapping[str, Any]) -> str:
    state = f"dropped ({one['dropped']})" if one["dropped"] else "waits for a person"
    rows = _rows((), [[_LABELS.get(name, name), text] for name, text in one["card"].items()])
    command = (
        "" if one["dropped"] else f"<p><code>market-bot proposals show {_t(one['id'])}</code></p>"
    )
    return (
        f'<div class="card"><h3>{_t(one["path"])}: {_t(one["before"])} to {_t(one["after"])}</h3>'
        f"<p>{_t(one['rationale'])}</p><p>{_t(state)}</p>{rows}{command}</div>"
    )


def _findings(findings: Iterable[Mapping[str, Any]]) -> str:
    seen = [one for one in findings if one["status"] in _SEEN]
    if not seen:
        return "<section><h2>Leaks</h2><p>None was seen.</p></section>"
    rows = [
        [
            f"{one['rule']} {one['subject']}".strip(),
            one["status"],
            _kind(one),
            f"{float(one['cost_low']):.2f}",
            f"{float(one['cost_point']):.2f}",
            f"{one['n']} in {one['events']}",
            _why(one),
            ", ".join(str(seq) for seq in one["evidence"][:5]),
        ]
        for one in seen
    ]
    heads = (
        "leak",
        "status",
        "kind",
        "$ a day at least",
        "probably",
        "cases in events",
        "why",
        "first lines",
    )
    return f"<section><h2>Leaks</h2>{_rows(heads, rows)}</section>"


def _kind(one: Mapping[str, Any]) -> str:
    diagnosis = one.get("diagnosis")
    return str(
        one["kind"] if diagnosis is None else f"{one['kind']}, by replay {diagnosis['kind']}"
    )


def _why(one: Mapping[str, Any]) -> str:
    diagnosis = one.get("diagnosis")
    told = one["why"] if diagnosis is None else f"{one['why']}; {diagnosis['why']}"
    return f"{told}. Wrong if: {one['disproof']}"


def _money(report: Mapping[str, Any]) -> str:
    parts = []
    for name in ("day", "week"):
        known = report[name]
        rows = [["realised", f"{float(known['realised']):.2f}"]]
        rows += [[f"lost by {leak}", f"{float(v):.2f}"] for leak, v in known["explained"].items()]
        rows.append(["without these leaks", f"{float(known['rest']):.2f}"])
        parts.append(f"<h3>The {name}</h3>{_rows(('', 'dollars'), rows)}")
    return f"<section><h2>Where the money went</h2>{''.join(parts)}</section>"


def _quiet(report: Mapping[str, Any]) -> str:
    rows = [
        [one["rule"], one["status"], one["why"]]
        for one in report["findings"]
        if one["status"] not in _SEEN
    ]
    rows += [[rule, "not measured", error] for rule, error in report["not_measured"].items()]
    table = _rows(("rule", "status", "why"), rows)
    return f"<section><h2>What was looked for and not found</h2>{table}</section>"


def _rows(heads: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    told = list(rows)
    if not told:
        return ""
    head = "".join(f"<th>{_t(one)}</th>" for one in heads)
    body = "".join("<tr>" + "".join(f"<td>{_t(c)}</td>" for c in row) + "</tr>" for row in told)
    return f"<table>{f'<tr>{head}</tr>' if head else ''}{body}</table>"


def _t(text: object) -> str:
    return escape(str(text))
