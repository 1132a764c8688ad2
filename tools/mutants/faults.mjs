// Reads the lists of faults.

import { readFileSync } from 'node:fs';

/**
 * @param {URL} file blocks of `=== name`, `what:`, `file:`, `test:` (one or more), `---`, old text, `+++`, new text
 */
export function readFaults(file) {
  const blocks = readFileSync(file, 'utf8').split(/^=== /m);
  if (blocks[0] !== '') throw new Error(`${file}: something before the first fault`);
  return blocks.slice(1).map((block) => {
    const parts = block.match(/^(\w+)\n([^]*?)^---\n([^]*?)\n\+\+\+\n([^]*?)\n?$/m);
    if (parts === null) throw new Error(`${file}: not a fault: ${block}`);
    const [, name, head, from] = parts;
    const to = block.slice(block.indexOf('\n+++\n') + 5).replace(/\n$/, '');
    const values = (key) =>
      head.split('\n').filter((line) => line.startsWith(`${key}: `)).map((line) => line.slice(key.length + 2));
    const [[what], [path], tests] = [values('what'), values('file'), values('test')];
    if (!what || !path || tests.length === 0) throw new Error(`${file}: ${name} is incomplete`);
    return {
      name,
      what,
      file: path,
      from,
      to,
      tests: tests.map((test) => {
        const [program, filter] = test.split(' ');
        return { program, filter };
      }),
    };
  });
}

/** A text with the fault. */
export function withFault(text, { name, file, from, to }) {
  const places = text.split(from).length - 1;
  if (places !== 1) throw new Error(`${name}: its text is ${places} times in ${file}, not once: bring the fault up to date`);
  return text.replace(from, () => to);
}
