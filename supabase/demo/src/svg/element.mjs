// Writing SVG as text.

/** @param {unknown} text */
const escaped = (text) =>
  String(text).replace(
    /[&<>"]/g,
    (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c] ?? c,
  );

/**
 * An element. Numbers are rounded to a tenth of a unit; attributes that are undefined are left out.
 *
 * @param {string} name
 * @param {Record<string, string | number | undefined>} attributes
 * @param {string[]} [children] markup
 * @returns {string}
 */
export function element(name, attributes, children) {
  const written = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(
      ([key, value]) => ` ${key}="${escaped(typeof value === 'number' ? rounded(value) : value)}"`,
    )
    .join('');
  return children === undefined
    ? `<${name}${written}/>`
    : `<${name}${written}>${children.join('')}</${name}>`;
}

/** @param {number} value */
const rounded = (value) => Math.round(value * 10) / 10;

/**
 * @param {number} x
 * @param {number} y baseline
 * @param {string} content
 * @param {Record<string, string | number | undefined>} [attributes]
 */
export const text = (x, y, content, attributes = {}) =>
  element('text', { x, y, ...attributes }, [escaped(content)]);

/** A tooltip, and what screen readers say. @param {string} content */
export const title = (content) => element('title', {}, [escaped(content)]);
