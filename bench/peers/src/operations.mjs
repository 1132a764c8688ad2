// What a person does to a row, as plain values: every peer gets the same ones. `applied` is the meaning of each on an
// ordinary row; peers whose rows are objects of a library (Yjs) translate them instead.
//
//   { op: 'set', column, value }
//   { op: 'replace', column, find, to }   the words `find` of a text become `to`
//   { op: 'add', column, by }
//   { op: 'tag' | 'untag', column, value }
//   { op: 'put', column, path, value } | { op: 'drop', column, path }
//   { op: 'delete' }

/** The row after an operation; null when there is none. */
export function applied(row, operation) {
  if (row === null || operation.op === 'delete') return null;
  const { column } = operation;
  return { ...row, [column]: changed(row[column], operation) };
}

function changed(value, operation) {
  switch (operation.op) {
    case 'set':
      return operation.value;
    case 'replace':
      return value.replace(operation.find, () => operation.to);
    case 'add':
      return value + operation.by;
    case 'tag':
      return value.includes(operation.value) ? value : [...value, operation.value];
    case 'untag':
      return value.filter((tag) => tag !== operation.value);
    case 'put':
      return withLeaf(value, operation.path, operation.value);
    case 'drop':
      return withLeaf(value, operation.path, undefined);
    default:
      throw new Error(`an unknown operation: ${operation.op}`);
  }
}

function withLeaf(object, [key, ...rest], value) {
  if (rest.length > 0) return { ...object, [key]: withLeaf(object?.[key] ?? {}, rest, value) };
  const { [key]: _, ...others } = object;
  return value === undefined ? others : { ...others, [key]: value };
}

/** Columns in which two rows differ. */
export function differingColumns(left, right) {
  return Object.keys(right).filter(
    (column) => JSON.stringify(left[column]) !== JSON.stringify(right[column]),
  );
}
