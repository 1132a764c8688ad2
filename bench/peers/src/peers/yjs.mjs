// Yjs: all rows in one document, a Y.Map each; texts are Y.Text, nested JSON nested Y.Maps, tags the keys of a Y.Map, and a
// counter the sum of what each client adds up for itself, since Yjs has neither sets nor counters.

import * as Y from 'yjs';

export const yjs = {
  name: 'yjs',
  title: 'Yjs 13.6',
  async begin({ rows, skew }) {
    const server = new Y.Doc();
    server.transact(() => {
      for (const row of rows) server.getMap('rows').set(row.id, shared(row));
    });
    const devices = skew.map(() => new Y.Doc());
    for (const device of devices) exchange(device, server);
    return {
      edit: (device, id, operation) => edit(devices[device], id, operation),
      sync: (device) => exchange(devices[device], server),
      rows: (device) =>
        new Map([...devices[device].getMap('rows')].map(([id, row]) => [id, plain(row)])),
      end() {},
    };
  },
};

function exchange(device, server) {
  Y.applyUpdate(server, Y.encodeStateAsUpdate(device, Y.encodeStateVector(server)));
  Y.applyUpdate(device, Y.encodeStateAsUpdate(server, Y.encodeStateVector(device)));
}

function shared({ body, likes, tags, settings, ...scalars }) {
  return new Y.Map([
    ...Object.entries(scalars),
    ['body', new Y.Text(body)],
    ['likes', new Y.Map([['0', likes]])],
    ['tags', new Y.Map(tags.map((tag) => [tag, true]))],
    ['settings', nested(settings)],
  ]);
}

function nested(value) {
  if (typeof value !== 'object') return value;
  return new Y.Map(Object.entries(value).map(([key, inner]) => [key, nested(inner)]));
}

function plain(row) {
  const { body, likes, tags, settings, ...scalars } = Object.fromEntries(row.entries());
  return {
    ...scalars,
    body: body.toString(),
    likes: [...likes.values()].reduce((sum, part) => sum + part, 0),
    tags: [...tags.keys()].sort(),
    settings: settings.toJSON(),
  };
}

function edit(doc, id, operation) {
  const row = doc.getMap('rows').get(id);
  if (row === undefined) return;
  const { op, column, value } = operation;
  const target = column && row.get(column);
  doc.transact(() => {
    if (op === 'delete') doc.getMap('rows').delete(id);
    else if (op === 'set') row.set(column, value);
    else if (op === 'replace') retype(target, operation);
    else if (op === 'add') target.set(`${doc.clientID}`, (target.get(`${doc.clientID}`) ?? 0) + operation.by);
    else if (op === 'tag') target.set(value, true);
    else if (op === 'untag') target.delete(value);
    else if (op === 'put') parent(target, operation.path).set(operation.path.at(-1), value);
    else if (op === 'drop') parent(target, operation.path).delete(operation.path.at(-1));
    else throw new Error(`an unknown operation: ${op}`);
  });
}

/** As an editor does it: what stays is not deleted. */
function retype(text, { find, to }) {
  const at = text.toString().indexOf(find);
  if (at < 0) return;
  if (to.startsWith(find)) {
    text.insert(at + find.length, to.slice(find.length));
    return;
  }
  text.delete(at, find.length);
  text.insert(at, to);
}

function parent(map, path) {
  return path.slice(0, -1).reduce((inner, key) => inner.get(key), map);
}
