// Tells the story on the terminal.

const STYLES = { bold: [1, 22], dim: [2, 22], green: [32, 39], red: [31, 39], yellow: [33, 39] };

/** @typedef {keyof typeof STYLES} Style */

export class Narrator {
  #chapters = 0;

  /**
   * @param {{ verbose?: boolean, colour?: boolean, write?: (line: string) => void }} [options]
   */
  constructor({
    verbose = false,
    colour = process.stdout.isTTY === true && !process.env.NO_COLOR,
    write = console.log,
  } = {}) {
    this.verbose = verbose;
    this.colour = colour;
    this.write = write;
  }

  /** @param {string} text @param {Style} style */
  styled(text, style) {
    const [on, off] = STYLES[style];
    return this.colour ? `\u001b[${on}m${text}\u001b[${off}m` : text;
  }

  /** @param {string} text */
  title(text) {
    this.write(`\n${this.styled(text, 'bold')}`);
  }

  /** @param {string} text */
  chapter(text) {
    this.#chapters += 1;
    this.write(`\n ${this.styled(`${this.#chapters}  ${text}`, 'bold')}`);
  }

  /** @param {string} text */
  say(text) {
    this.write(`    ${text}`);
  }

  /** A line about one device. @param {string} device @param {string} text */
  device(device, text) {
    this.say(`${this.styled(device.padEnd(7), 'bold')} ${text}`);
  }

  /** Only with --verbose. @param {string} text */
  detail(text) {
    if (this.verbose) this.write(this.styled(`      · ${text}`, 'dim'));
  }

  /** @param {string} text */
  good(text) {
    this.say(`${this.styled('✓', 'green')} ${text}`);
  }

  /** @param {string} text */
  bad(text) {
    this.say(`${this.styled('✗', 'red')} ${text}`);
  }
}

/** 12,345 @param {number} value */
export const number = (value) => Math.round(value).toLocaleString('en-US');

/** "1 row", "2 rows" @param {number} value @param {string} noun @param {string} [plural] */
export const count = (value, noun, plural = `${noun}s`) =>
  `${number(value)} ${value === 1 ? noun : plural}`;

/** "340 ms", "2.3 s" @param {number} ms */
export const duration = (ms) =>
  ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`;

/** "410 likes, 30 titles", the most frequent first. @param {string[]} kinds */
export function tally(kinds) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const kind of kinds) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([kind, times]) => `${number(times)} ${kind}`)
    .join(', ');
}
