import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { device, type Person, signUp, type TestDevice, team, until } from './people.ts';

const opened: TestDevice[] = [];

async function open(person: Person, options: { readonly realtime?: boolean } = {}): Promise<TestDevice> {
  const made = await device(person, options);
  opened.push(made);
  return made;
}

afterEach(async () => {
  for (const made of opened.splice(0)) await made.close();
});

describe('two users with two devices', () => {
  it('write offline and converge', async () => {
    const ann = await signUp('ann');
    const bob = await signUp('bob');
    const teamId = await team(ann, bob);
    const devices = [await open(ann), await open(ann), await open(bob)];
    const ids = devices.map(() => randomUUID());
    for (const [i, { db, transport }] of devices.entries()) {
      transport.setConditions({ offline: true });
      await db.note.insert({ id: ids[i] ?? '', team_id: teamId, title: `note ${i}`, body: 'offline' });
      expect(await db.note.get(ids[i] ?? '')).toMatchObject({ title: `note ${i}` });
      expect((await db.sync()).status).toBe('paused');
      expect(db.status.get()).toMatchObject({ paused: 'offline', pending: 1 });
    }

    for (const { transport } of devices) transport.setConditions({});
    for (let round = 0; round < 2; round += 1) for (const made of devices) await made.settle();

    const expected = await devices[0]?.db.note.where({ team_id: teamId }).orderBy('id').get();
    expect(expected?.map(({ id }) => id)).toEqual([...ids].sort());
    expect(expected?.[0]).toMatchObject({ likes: 0, status: 'draft', grade: null });
    for (const { db } of devices) {
      expect(await db.note.where({ team_id: teamId }).orderBy('id').get()).toEqual(expected);
    }
  });

  it('keep edits of different columns of one row, and add up counters', async () => {
    const ann = await signUp('ann');
    const bob = await signUp('bob');
    const teamId = await team(ann, bob);
    const [one, two] = [await open(ann), await open(bob)];
    const id = randomUUID();
    await one.db.note.insert({ id, team_id: teamId, title: 'start', body: '', likes: 10 });
    await one.settle();
    await two.settle();

    await one.db.note.update(id, { title: 'by Ann' });
    await one.db.note.update(id, (row) => ({ likes: row.likes + 2 }));
    await two.db.note.update(id, { body: 'by Bob' });
    await two.db.note.update(id, (row) => ({ likes: row.likes + 3 }));
    await one.settle();
    await two.settle();
    await one.settle();

    const merged = { title: 'by Ann', body: 'by Bob', likes: 15 };
    expect(await one.db.note.get(id)).toMatchObject(merged);
    expect(await two.db.note.get(id)).toEqual(await one.db.note.get(id));
  });

  it('apply the writes of a batch together or not at all', async () => {
    const ann = await signUp('ann');
    const teamId = await team(ann);
    const { db, settle } = await open(ann);
    const [good, bad] = [randomUUID(), randomUUID()];
    const handles = await db.batch((tx) => {
      tx.note.insert({ id: good, team_id: teamId, title: 'good', body: '' });
      tx.note.insert({ id: bad, team_id: teamId, title: 'x'.repeat(201), body: '' });
    });
    const alone = await db.note.insert({ team_id: teamId, title: 'alone', body: '' });

    await settle();

    const verdicts = await Promise.all(handles.map(({ synced }) => synced));
    for (const verdict of verdicts) {
      expect(verdict).toMatchObject({
        status: 'rejected',
        error: { code: expect.stringMatching(/23514|PT424/) },
      });
    }
    expect(await alone.synced).toEqual({ status: 'applied' });
    expect((await db.note.all().get()).map(({ title }) => title)).toEqual(['alone']);
  });

  it('use tables with keys of two columns, one of them an integer', async () => {
    const ann = await signUp('ann');
    const [one, two] = [await open(ann), await open(ann)];
    await one.db.lesson_progress.insert({ user_id: ann.id, lesson_id: 7, percent: 10, seconds: 30 });
    await one.settle();
    await two.settle();
    await one.db.lesson_progress.update({ user_id: ann.id, lesson_id: 7 }, { percent: 60, seconds: 90 });
    await two.db.lesson_progress.update({ user_id: ann.id, lesson_id: 7 }, { percent: 40, seconds: 40 });

    await one.settle();
    await two.settle();
    await one.settle();

    const progress = await one.db.lesson_progress.get({ user_id: ann.id, lesson_id: 7 });
    expect(progress).toMatchObject({ percent: 60, seconds: 100 });
    expect(await two.db.lesson_progress.get({ user_id: ann.id, lesson_id: 7 })).toEqual(progress);
  });
});

describe('verdicts', () => {
  it('reject what a check forbids, with the reason, and block nothing else', async () => {
    const ann = await signUp('ann');
    const teamId = await team(ann);
    const { db, settle } = await open(ann);
    const bad = await db.note.insert({ team_id: teamId, title: 'x'.repeat(201), body: '' });
    const good = await db.note.insert({ team_id: teamId, title: 'fine', body: '' });

    await settle();

    expect(await bad.synced).toMatchObject({ status: 'rejected', error: { code: '23514' } });
    expect(await good.synced).toEqual({ status: 'applied' });
    expect(await db.outbox.list()).toMatchObject([{ seq: bad.seq, state: 'rejected' }]);
    expect((await db.note.all().get()).map(({ title }) => title)).toEqual(['fine']);
  });

  it('leave a manual column to a person, and take the decision everywhere', async () => {
    const ann = await signUp('ann');
    const bob = await signUp('bob');
    const teamId = await team(ann, bob);
    const [one, two] = [await open(ann), await open(bob)];
    const id = randomUUID();
    await one.db.note.insert({ id, team_id: teamId, title: 'graded', body: '', grade: 1 });
    await one.settle();
    await two.settle();
    await one.db.note.update(id, { grade: 2 });
    await one.settle();
    const write = await two.db.note.update(id, { grade: 3 });
    await two.settle();

    expect(await write.synced).toMatchObject({ status: 'conflict', columns: { grade: 'manual' } });
    expect(await two.db.note.get(id)).toMatchObject({ grade: 2 });
    const [conflict] = await two.db.conflicts.list();
    expect(conflict).toMatchObject({
      table: 'public.note',
      key: { id },
      columns: ['grade'],
      base: { grade: 1 },
      mine: { grade: 3 },
      theirs: { grade: 2 },
    });

    await two.db.conflicts.resolve(conflict?.id ?? '', 'mine');
    await two.settle();
    await one.settle();

    expect(await two.db.note.get(id)).toMatchObject({ grade: 3 });
    expect(await one.db.note.get(id)).toMatchObject({ grade: 3 });
    expect(two.db.status.get().conflicts).toBe(0);
  });

  it('reach the device even when the first answer was lost, and nothing is done twice', async () => {
    const ann = await signUp('ann');
    const teamId = await team(ann);
    const { db, transport, settle } = await open(ann);
    const id = randomUUID();
    await db.note.insert({ id, team_id: teamId, title: 'liked', body: '' });
    await settle();
    transport.setConditions({ offline: true });
    const like = await db.note.update(id, (row) => ({ likes: row.likes + 1 }));
    const bad = await db.note.update(id, { title: 'x'.repeat(201) });
    await until(() => db.status.get().paused === 'offline');
    transport.plan('lose_answer', 'push');
    transport.setConditions({});
    expect((await db.sync()).status).toBe('paused');
    expect(like.state).toBe('sent');

    await settle();

    expect(await like.synced).toEqual({ status: 'applied' });
    expect(await bad.synced).toMatchObject({ status: 'rejected', error: { code: '23514' } });
    expect(await db.note.get(id)).toMatchObject({ likes: 1, title: 'liked' });
    const { data } = await ann.supabase.from('note').select('likes,title').eq('id', id).single();
    expect(data).toEqual({ likes: 1, title: 'liked' });
  });

  it('of a mutation given up before it was sent change nothing on the server', async () => {
    const ann = await signUp('ann');
    const teamId = await team(ann);
    const [one, two] = [await open(ann), await open(ann)];
    const [edited, deleted, taken] = [randomUUID(), randomUUID(), randomUUID()];
    for (const id of [edited, deleted])
      await one.db.note.insert({ id, team_id: teamId, title: 'kept', body: '' });
    await one.settle();
    await two.settle();
    two.db.pause();
    const inserted = await two.db.note.insert({ team_id: teamId, title: 'given up', body: '' });
    const update = await two.db.note.update(edited, { title: 'given up' });
    const ofDeleted = await two.db.note.update(deleted, { title: 'given up' });
    const ofTaken = await two.db.note.insert({ id: taken, team_id: teamId, title: 'given up', body: '' });
    await one.db.note.delete(deleted);
    await one.db.note.insert({ id: taken, team_id: teamId, title: 'taken', body: '' });
    await one.settle();

    for (const { seq } of [inserted, update, ofDeleted, ofTaken]) await two.db.outbox.discard(seq ?? 0);
    await two.db.note.insert({ team_id: teamId, title: 'after', body: '' });
    two.db.resume();
    await two.settle();
    await one.settle();

    expect((await one.db.note.all().get()).map(({ title }) => title).sort()).toEqual([
      'after',
      'kept',
      'taken',
    ]);
    expect((await two.db.note.all().get()).map(({ title }) => title).sort()).toEqual([
      'after',
      'kept',
      'taken',
    ]);
    expect(await two.db.outbox.list()).toEqual([]);
  });
});

describe('visibility', () => {
  it('ends with the membership: rows are evicted, and what waits is rejected', async () => {
    const ann = await signUp('ann');
    const bob = await signUp('bob');
    const teamId = await team(ann, bob);
    const { db, settle } = await open(bob);
    const fromAnn = await open(ann);
    await fromAnn.db.note.insert({ team_id: teamId, title: 'of Ann', body: '' });
    await fromAnn.settle();
    await db.note.insert({ team_id: teamId, title: 'of Bob', body: '' });
    await settle();
    expect(await db.note.all().get()).toHaveLength(2);
    const tooLate = await db.note.insert({ team_id: teamId, title: 'too late', body: '' });

    const { error } = await ann.supabase
      .from('team_member')
      .delete()
      .match({ team_id: teamId, user_id: bob.id });
    expect(error).toBeNull();
    await settle();

    expect(await tooLate.synced).toMatchObject({ status: 'rejected', error: { code: '42501' } });
    expect(await db.note.all().get()).toEqual([]);
    expect(await db.team.all().get()).toEqual([]);
    await fromAnn.settle();
    expect(await fromAnn.db.note.all().get()).toHaveLength(2);
  });

  it('begins with the membership: everything of the team comes', async () => {
    const ann = await signUp('ann');
    const bob = await signUp('bob');
    const teamId = await team(ann);
    const fromAnn = await open(ann);
    await fromAnn.db.note.insert({ team_id: teamId, title: 'old', body: '' });
    await fromAnn.settle();
    const { db, settle } = await open(bob);
    await settle();
    expect(await db.note.all().get()).toEqual([]);

    await ann.supabase.from('team_member').insert({ team_id: teamId, user_id: bob.id });
    await settle();

    expect((await db.note.all().get()).map(({ title }) => title)).toEqual(['old']);
  });
});

describe('wake-ups', () => {
  it('bring a change to another device without its asking', async () => {
    const ann = await signUp('ann');
    const bob = await signUp('bob');
    const teamId = await team(ann, bob);
    const [from, to] = [await open(ann), await open(bob, { realtime: true })];
    await to.settle();
    await until(() => to.db.status.get().realtime === 'joined');
    const shown: string[][] = [];
    const stop = to.db.note.where({ team_id: teamId }).subscribe((rows) => {
      shown.push(rows.map(({ title }) => title));
    });

    await from.db.note.insert({ team_id: teamId, title: 'news', body: '' });
    await from.settle();

    await until(() => shown.at(-1)?.includes('news') === true);
    stop();
  });
});
