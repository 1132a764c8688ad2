// RxDB with its default conflict handler. Both ends are RxDB's own code: devices replicate with `replicateRxCollection`, and
// the server is an RxDB collection behind `rxStorageInstanceToReplicationHandler`, which is what RxDB's own websocket server
// serves. (Its Supabase plugin compares the old row column by column and refuses rows with arrays or objects.)

import { addRxPlugin, createRxDatabase, rxStorageInstanceToReplicationHandler } from 'rxdb';
import { RxDBLeaderElectionPlugin } from 'rxdb/plugins/leader-election';
import { replicateRxCollection } from 'rxdb/plugins/replication';
import { getRxStorageMemory } from 'rxdb/plugins/storage-memory';
import { applied } from '../operations.mjs';

addRxPlugin(RxDBLeaderElectionPlugin);

const text = { type: 'string' };
const SCHEMA = {
  version: 0,
  primaryKey: 'id',
  type: 'object',
  properties: {
    id: { type: 'string', maxLength: 36 },
    title: text,
    status: text,
    place: text,
    owner_note: text,
    body: text,
    likes: { type: 'number' },
    tags: { type: 'array', items: text },
    settings: { type: 'object', additionalProperties: true },
  },
};

let databases = 0;

export const rxdb = {
  name: 'rxdb',
  title: 'RxDB 17.6, default handler',
  async begin({ rows, skew }) {
    const server = await collection();
    await server.bulkInsert(structuredClone(rows));
    const handler = rxStorageInstanceToReplicationHandler(
      server.storageInstance,
      server.conflictHandler,
      await server.database.token,
    );
    const devices = await Promise.all(skew.map(() => collection()));
    for (const device of devices) await replicate(device, handler);
    return {
      async edit(device, id, operation) {
        const document = await devices[device].findOne(id).exec();
        if (document === null) return;
        if (operation.op === 'delete') await document.remove();
        else await document.incrementalModify((row) => applied(row, operation));
      },
      sync: (device) => replicate(devices[device], handler),
      async rows(device) {
        const documents = await devices[device].find().exec();
        return new Map(documents.map((document) => [document.id, document.toMutableJSON()]));
      },
      async end() {
        for (const { database } of [server, ...devices]) await database.close();
      },
    };
  },
};

async function collection() {
  const database = await createRxDatabase({
    name: `peer${databases++}`,
    storage: getRxStorageMemory(),
    multiInstance: false,
  });
  const { rows } = await database.addCollections({ rows: { schema: SCHEMA } });
  return rows;
}

/** One connection: everything is sent and received, then the network is gone again. */
async function replicate(device, handler) {
  const errors = [];
  const replication = replicateRxCollection({
    collection: device,
    replicationIdentifier: 'survival',
    live: false,
    retryTime: 100,
    pull: { handler: (checkpoint, size) => handler.masterChangesSince(checkpoint, size) },
    push: { handler: (changes) => handler.masterWrite(changes) },
  });
  replication.error$.subscribe((error) => {
    errors.push(error);
    replication.cancel();
  });
  await replication.awaitInSync();
  await replication.cancel();
  if (errors.length > 0) throw errors[0];
}
