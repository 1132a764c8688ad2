import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { identify, isAlive } from '../src/process.mjs';
import { until } from '../src/wait.mjs';
import { TestStack } from './support.mjs';

describe('the stack', () => {
  const stack = new TestStack();

  before(() => stack.up());
  after(() => stack.remove());

  it('writes its addresses and keys', async () => {
    assert.deepEqual(Object.keys(stack.env), [
      'SUPABASE_URL',
      'SUPABASE_ANON_KEY',
      'SUPABASE_SERVICE_ROLE_KEY',
      'SUPABASE_JWT_SECRET',
      'DATABASE_URL',
    ]);
    assert.match(stack.env.SUPABASE_URL, /^http:\/\/127\.0\.0\.1:\d+$/);
    const [{ superuser }] = await stack.sql`
      select rolsuper as superuser from pg_roles where rolname = current_user
    `;
    assert.equal(superuser, true);
  });

  it('listens on the loopback interface only', async () => {
    const [{ addresses }] =
      await stack.sql`select current_setting('listen_addresses') as addresses`;
    assert.equal(addresses, '127.0.0.1');
    const { ports } = stack.readJson('stack.json');
    const listening = readFileSync('/proc/net/tcp', 'utf8').split('\n');
    for (const port of [ports.db, ports.api, ports.gateway]) {
      const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
      const sockets = listening
        .map((line) => line.trim().split(/\s+/))
        .filter(([, address, , state]) => address?.endsWith(suffix) && state === '0A');
      assert.deepEqual(
        sockets.map(([, address]) => address.slice(0, 8)),
        ['0100007F'],
      );
    }
  });

  it('keeps the database out of a directory that its user cannot enter', () => {
    const { dataDir } = stack.readJson('stack.json');
    const asRoot = process.getuid?.() === 0;
    // The test's directory is closed to all but its owner.
    assert.equal(dataDir.startsWith(stack.directory), !asRoot);
  });

  it('does nothing when it is up already', async () => {
    const before = stack.readJson('pids.json');
    assert.match(await stack.up(), /is up already/);
    assert.deepEqual(stack.readJson('pids.json'), before);
  });

  it('starts again what has died', async () => {
    const before = stack.readJson('pids.json');
    process.kill(before.api.pid, 'SIGKILL');
    await until('the API is gone', () => !isAlive(before.api));
    await stack.up();
    const after = stack.readJson('pids.json');
    assert.notEqual(after.api.pid, before.api.pid);
    assert.equal(after.postgres.pid, before.postgres.pid);
    const { error } = await stack.client().from('public_article').select('id');
    assert.equal(error, null);
  });

  it('applies each migration once', async () => {
    const versions = () => stack.sql`
      select version, xmin::text from supabase_migrations.schema_migrations order by version
    `;
    const before = await versions();
    assert.ok(before.length >= 4);
    await stack.up();
    assert.deepEqual(await versions(), before);
  });

  it('does not stop a process that only has a recorded pid', async () => {
    const bystander = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    try {
      const pidsFile = join(stack.directory, 'pids.json');
      const pids = stack.readJson('pids.json');
      const identity = identify(/** @type {number} */ (bystander.pid));
      const impostor = { ...identity, startedAt: '1' };
      writeFileSync(pidsFile, JSON.stringify({ ...pids, gateway: impostor }));
      await stack.run('down');
      assert.ok(isAlive(identity ?? undefined), 'the other process still runs');
      assert.ok(isAlive(pids.gateway), 'the unrecorded gateway was left alone, too');
      process.kill(pids.gateway.pid, 'SIGTERM');
      await until('the gateway is gone', () => !isAlive(pids.gateway));
    } finally {
      bystander.kill();
    }
  });

  it('keeps data and keys over a restart', async () => {
    const keyBefore = stack.env.SUPABASE_ANON_KEY;
    await stack.up();
    await stack.connection?.end();
    stack.connection = undefined;
    await stack.sql`insert into public.public_article (slug, title) values ('kept', 'Kept')`;
    await stack.run('down');
    await stack.up();
    assert.equal(stack.env.SUPABASE_ANON_KEY, keyBefore);
    const { data } = await stack.client().from('public_article').select('title');
    assert.deepEqual(data, [{ title: 'Kept' }]);
  });

  it('leaves no process behind', async () => {
    assert.ok(stack.processes().length >= 3);
    await stack.connection?.end();
    stack.connection = undefined;
    await stack.run('down');
    assert.deepEqual(stack.processes(), []);
    assert.equal(existsSync(join(stack.directory, 'pids.json')), false);
  });
});
