// Colours and type of the picture, for light and dark pages.

/** Lanes get these colours in their order. */
export const LANE_COLOURS = 3;

const LIGHT = `
  --page: #ffffff; --line: #d8dee4; --text: #1f2328; --dim: #656d76; --offline: #eef1f4; --hatch: #d8dee4;
  --lane0: #0969da; --lane1: #1a7f37; --lane2: #8250df; --pull: #8c959f;
  --bad: #cf222e; --warn: #bc4c00; --good: #1a7f37;`;

const DARK = `
  --page: #0d1117; --line: #30363d; --text: #e6edf3; --dim: #9198a1; --offline: #161b22; --hatch: #262c36;
  --lane0: #4493f8; --lane1: #3fb950; --lane2: #ab7df8; --pull: #6e7681;
  --bad: #f85149; --warn: #db6d28; --good: #3fb950;`;

export const STYLE = `
svg {${LIGHT}
  font-family: -apple-system, BlinkMacSystemFont, "Segoe UI", "Noto Sans", Helvetica, Arial, sans-serif; }
@media (prefers-color-scheme: dark) { svg {${DARK} } }
.page { fill: var(--page); stroke: var(--line); }
.line { stroke: var(--line); stroke-width: 1; }
.headline { font-size: 19px; font-weight: 600; fill: var(--text); }
.chapter { font-size: 13px; font-weight: 600; fill: var(--text); }
.lane { font-size: 14px; font-weight: 600; fill: var(--text); }
.dim { font-size: 11px; fill: var(--dim); }
.label { font-size: 11px; fill: var(--text); }
.count { font-size: 10px; fill: var(--dim); }
.offline { fill: var(--offline); }
.hatch { stroke: var(--hatch); stroke-width: 3; }
.lane0 { fill: var(--lane0); } .lane1 { fill: var(--lane1); } .lane2 { fill: var(--lane2); }
.pull { fill: var(--pull); }
.lost { fill: none; stroke: var(--bad); stroke-width: 1.5; stroke-dasharray: 4 3; }
.bad { fill: var(--bad); } .warn { fill: var(--warn); } .good { fill: var(--good); }
`;
