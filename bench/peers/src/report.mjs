// The table, and the rows of evidence.

/** A table in Markdown: a line a workload, a column a peer. */
export function table(results) {
  const peers = [...new Set(results.map(({ peer }) => peer))];
  const workloads = [...new Set(results.map(({ workload }) => workload))];
  const line = (cells) => `| ${cells.join(' | ')} |\n`;
  const cell = (counted) =>
    `${percent(counted)} %${counted.apart > 0 ? ` (${counted.apart} rows apart)` : ''}`;
  let text = line(['conflict', 'edits', ...peers.map(({ title }) => title)]);
  text += line(['---', '--:', ...peers.map(() => '--:')]);
  for (const workload of workloads) {
    const counted = peers.map((peer) => results.find((r) => r.peer === peer && r.workload === workload));
    text += line([workload.what, counted[0].possible.toLocaleString('en'), ...counted.map(cell)]);
  }
  const totals = peers.map((peer) => sum(results.filter((r) => r.peer === peer)));
  return (
    text +
    line(['**all**', totals[0].possible.toLocaleString('en'), ...totals.map((t) => `**${cell(t)}**`)])
  );
}

function sum(results) {
  const add = (key) => results.reduce((total, result) => total + result[key], 0);
  return { survived: add('survived'), possible: add('possible'), apart: add('apart') };
}

/** One decimal, rounded down: 100 means all. */
function percent({ survived, possible }) {
  return (Math.floor((survived * 1000) / possible) / 10).toFixed(1);
}

/** Rows as `make evidence` takes them. This project promises that every edit survives; where the others are is only reported. */
export function evidence(results, { rows, seed }) {
  const common = {
    unit: '%',
    command: `node bench/peers/survival.mjs --json --rows ${rows} --seed ${seed}`,
    size: `${rows} rows a workload`,
    spread: null,
  };
  const peers = [...new Set(results.map(({ peer }) => peer))];
  const totals = peers.map((peer) => {
    const total = sum(results.filter((r) => r.peer === peer));
    return {
      name: `survival_vs_peers_${peer.name}`,
      what: `edits that survive, of the ${total.possible} that could, with ${peer.title}, all workloads; ${total.apart} rows differ between devices afterwards`,
      value: Number(percent(total)),
      bar: null,
      ok: true,
      ...common,
    };
  });
  const workloads = results
    .filter(({ peer }) => peer.name === 'ours')
    .map((result) => {
      const { workload } = result;
      const value = Number(percent(result));
      return {
        name: `survival_vs_peers_${workload.name}`,
        what: `edits that survive, of the ${result.possible} that could: ${workload.what}${others(results, workload)}`,
        value,
        bar: '= 100',
        ok: value === 100 && result.apart === 0,
        ...common,
      };
    });
  return [...totals, ...workloads];
}

function others(results, workload) {
  const list = results
    .filter((r) => r.workload === workload && r.peer.name !== 'ours')
    .map((r) => `${r.peer.title} ${percent(r)}`);
  return list.length > 0 ? ` (${list.join(', ')})` : '';
}
