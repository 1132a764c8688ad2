// Tells the story on the terminal.

const STYLES = { bold: [1, 22], dim: [2, 22], green: [32, 39], red: [31, 39], yellow: [33, 39] };

/** @typedef {keyof typeof STYLES} Style */

/** Characters of a line, without its margin. */
const WIDTH = 92;

/** Characters of a device's name, with the gap behind it. */
const DEVICE_WIDTH = 8;

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
    for (const line of wrapped(text, WIDTH)) this.write(`    ${line}`);
  }

  /** Lines about one device. @param {string} device @param {string} text */
  device(device, text) {
    for (const [i, line] of wrapped(text, WIDTH - DEVICE_WIDTH).entries()) {
      const head =
        i === 0 ? this.styled(device.padEnd(DEVICE_WIDTH), 'bold') : ' '.repeat(DEVICE_WIDTH);
      this.write(`    ${head}${line}`);
    }
  }

  /** Only with --verbose. @param {string} text */
  detail(text) {
    if (this.verbose) this.write(this.styled(`      · ${text}`, 'dim'));
  }

  /** @param {string} text */
  good(text) {
    this.write(`    ${this.styled('✓', 'green')} ${text}`);
  }

  /** @param {string} text */
  bad(text) {
    this.write(`    ${this.styled('✗', 'red')} ${text}`);
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

/** "410 likes, 30 titles", the most frequent first, never broken between number and noun. @param {string[]} kinds */
export function tally(kinds) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const kind of kinds) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([kind, times]) => `${number(times)}\u00a0${kind}`)
    .join(', ');
}

/**
 * Breaks a text between words.
 *
 * @param {string} text
 * @param {number} width longer words get a line of their own
 * @returns {string[]}
 */
export function wrapped(text, width) {
  /** @type {string[]} */
  const lines = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width)
      lines[lines.length - 1] += ` ${word}`;
    else lines.push(word);
  }
  return lines;
}
