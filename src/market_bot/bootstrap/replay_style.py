"""The look of a replay's page, by day and by night, wide and on a phone."""

from __future__ import annotations

from typing import Final

STYLE: Final = """
:root { color-scheme: light dark;
  --bg: #f4f5f4; --card: #fff; --ink: #18201e; --soft: #5b6664; --line: #dfe3e1; --fill: #edf0ee;
  --accent: #0f766e; --good: #15703c; --bad: #b3261e; --warn: #8a5200; --band: #0f766e2e;
  --good-bg: #e3f4e9; --bad-bg: #fdebe9; --warn-bg: #fff2d9; --grey: #8b9694; }
@media (prefers-color-scheme: dark) { :root {
  --bg: #101413; --card: #181d1c; --ink: #e4e9e7; --soft: #98a5a2; --line: #2a3230;
  --fill: #222927; --accent: #3fb8ab; --good: #5fcf8c; --bad: #ff8a80; --warn: #f2bb5c;
  --band: #3fb8ab38; --good-bg: #15301f; --bad-bg: #3a1917; --warn-bg: #362a12;
  --grey: #75827f; } }
* { box-sizing: border-box; margin: 0; }
body { background: var(--bg); color: var(--ink); font-variant-numeric: tabular-nums;
  font: 15px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
main { max-width: 1180px; margin: 0 auto; padding: 20px; }
header { margin-bottom: 16px; }
h1 { font-size: 1.12rem; letter-spacing: -.01em; margin-bottom: 4px; }
h2 { font-size: 1rem; }
.soft { color: var(--soft); font-size: .82rem; }
.id { overflow-wrap: anywhere; unicode-bidi: isolate; }
.notes, .why { padding: 8px 12px 8px 28px; margin: 10px 0; border-radius: 8px; font-size: .88rem;
  background: var(--warn-bg); color: var(--warn); overflow-wrap: anywhere; }
.why { background: var(--fill); color: var(--ink); }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 12px;
  padding: 16px 18px; margin-bottom: 16px; }
.card > h2 { margin-bottom: 10px; }
.figures { display: grid; gap: 14px 20px; grid-template-columns: repeat(3, minmax(0, 1fr)); }
.value { font-size: 1.2rem; font-weight: 600; letter-spacing: -.01em; }
.gain { color: var(--good); } .loss { color: var(--bad); }
table { width: 100%; border-collapse: collapse; font-size: .87rem; }
th { text-align: left; font-weight: 400; color: var(--soft); font-size: .78rem; padding: 0 0 4px; }
td { padding: 5px 0; border-top: 1px solid var(--line); vertical-align: top; }
th + th, td + td { padding-left: 14px; }
.n { text-align: right; white-space: nowrap; }
td.wide { font-weight: 600; }
.chip { display: inline-block; border-radius: 99px; padding: 1px 10px; font-size: .78rem;
  font-weight: 600; background: var(--fill); color: var(--soft); white-space: nowrap; }
.chip.good { background: var(--good-bg); color: var(--good); }
.chip.bad { background: var(--bad-bg); color: var(--bad); }
.chip.warn { background: var(--warn-bg); color: var(--warn); }
summary { cursor: pointer; display: flex; flex-wrap: wrap; align-items: center; gap: 6px 12px; }
summary::before { content: "▸"; color: var(--soft); }
details[open] > summary::before { content: "▾"; }
summary::-webkit-details-marker { display: none; }
.setting { font-size: .87rem; margin-top: 8px; }
.facts { display: grid; gap: 8px 20px; margin: 12px 0; font-size: .87rem;
  grid-template-columns: repeat(auto-fill, minmax(230px, 1fr)); }
.facts dt { color: var(--soft); font-size: .78rem; }
.facts dd { margin: 0; overflow-wrap: anywhere; }
.plots { display: grid; gap: 20px 24px; align-items: start;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 300px), 1fr)); }
figure { min-width: 0; }
figure.spans { max-width: 560px; margin-top: 16px; }
figcaption { color: var(--soft); font-size: .8rem; margin-top: 2px; }
svg { display: block; width: 100%; height: auto; overflow: visible; }
svg text { fill: var(--soft); font-size: 11px; }
svg .name { fill: var(--ink); }
svg line, svg polyline { fill: none; stroke-width: 1; vector-effect: non-scaling-stroke; }
svg .grid { stroke: var(--line); } svg .zero { stroke: var(--grey); }
svg .diagonal { stroke: var(--grey); stroke-dasharray: 4 3; }
svg .band { fill: var(--band); stroke: none; }
svg .told { stroke: var(--accent); stroke-width: 2; } svg .base { stroke: var(--grey); }
svg .fall { stroke: var(--bad); stroke-width: 1.5; }
svg rect.up { fill: var(--good); } svg rect.down { fill: var(--bad); }
svg circle.up { fill: var(--good); } svg circle.down { fill: var(--bad); }
svg circle { fill-opacity: .75; }
svg line.inner { stroke-width: 5; stroke-linecap: round; } svg line.outer { stroke-width: 1.5; }
svg line.good { stroke: var(--good); } svg circle.good { fill: var(--good); }
svg line.bad { stroke: var(--bad); } svg circle.bad { fill: var(--bad); }
svg line.warn { stroke: var(--warn); } svg circle.warn { fill: var(--warn); }
svg line.none { stroke: var(--soft); } svg circle.none { fill: var(--soft); }
svg circle.dot { stroke: var(--card); stroke-width: 1.5; fill-opacity: 1; }
@media (max-width: 720px) {
  main { padding: 12px; } .card { padding: 14px; }
  .figures { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  .value { font-size: 1.05rem; }
  thead { position: absolute; left: -99rem; }
  tr { display: grid; gap: 4px 12px; padding: 8px 0; border-top: 1px solid var(--line);
    grid-template-columns: repeat(3, minmax(0, 1fr)); }
  td, td + td { padding: 0; border: 0; }
  td.wide { grid-column: 1 / -1; }
  .facts { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  td.n { text-align: left; white-space: normal; }
  td.n::before { content: attr(data-label); display: block; color: var(--soft); font-size: .74rem; }
}
@media print { body { background: none; } .card { break-inside: avoid; } }
"""
