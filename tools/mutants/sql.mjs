// Faults of the SQL: in the script of the installed extension, in a copy of Postgres, with the database tests. Nothing has to
// be built for them.

import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { withFault } from './faults.mjs';
import { ROOT, runTests } from './tests.mjs';

export function sqlBench() {
  const original = process.env.PG_CONFIG ?? '/usr/lib/postgresql/15/bin/pg_config';
  const ask = (what) => execFileSync(original, [`--${what}`], { encoding: 'utf8' }).trim();
  // Postgres finds its files relative to its programs, so their places must be as far apart as they were.
  const [bin, share, lib, include] = ['bindir', 'sharedir', 'pkglibdir', 'includedir'].map(ask);
  const base = commonBase([bin, share, lib, include]);
  const copy = mkdtempSync(join(tmpdir(), 'mutants.'));
  for (const path of new Set([dirname(bin), share, lib])) {
    const place = join(copy, path.slice(base.length));
    mkdirSync(dirname(place), { recursive: true });
    cpSync(path, place, { recursive: true, verbatimSymlinks: true });
  }
  execFileSync('chmod', ['-R', 'a+rX', copy]);
  const extensions = join(copy, share.slice(base.length), 'extension');
  const [script] = readdirSync(extensions).filter((name) => /^pg_offline_sync--[\d.]+\.sql$/.test(name));
  if (!script) throw new Error('the extension is not installed: run make install');
  const path = join(extensions, script);
  const installed = readFileSync(path, 'utf8');
  const env = { ...process.env, PG_CONFIG: join(copy, bin.slice(base.length), 'pg_config'), OFFLINE_TEST_FSYNC: 'off' };
  return {
    apply(fault) {
      const source = readFileSync(join(ROOT, fault.file), 'utf8').trim();
      if (!installed.includes(source)) throw new Error(`${fault.file} is not what is installed: run make install`);
      writeFileSync(path, installed.replace(source, () => withFault(source, fault)));
      checkThatItInstalls(env, fault);
      return () => writeFileSync(path, installed);
    },
    test(programs, filter) {
      const args = programs.flatMap((program) => ['--test', program]);
      return runTests(join(ROOT, 'pg_offline_sync/tests/run.sh'), filter ? [...args, filter] : args, { cwd: ROOT, env });
    },
    close: () => rmSync(copy, { recursive: true, force: true }),
  };
}

/** A fault that does not even install would be caught by anything. */
function checkThatItInstalls(env, fault) {
  const command = `
    coproc cluster { exec "${ROOT}/pg_offline_sync/tests/cluster.sh"; }
    pid=$!
    exec {input}>&"\${cluster[1]}" {output}<&"\${cluster[0]}"
    read -r url <&"$output"
    status=0
    "$("$PG_CONFIG" --bindir)/psql" -qAtX -v ON_ERROR_STOP=1 -d "$url" <<'SQL' || status=$?
create role anon nologin;
create role authenticated nologin;
create role service_role nologin bypassrls;
create schema auth;
create function auth.uid() returns uuid language sql stable as 'select null::uuid';
create extension pg_offline_sync;
select count(*) from offline.bootstrap();
create table t (id uuid primary key, user_id uuid, n int);
alter table t enable row level security;
select offline.enable_sync('t', '{"scope": "user_id", "members": "select auth.uid()::text"}');
insert into t select gen_random_uuid(), gen_random_uuid(), n from generate_series(1, 3) n;
SQL
    eval "exec \${cluster[1]}>&- \${cluster[0]}<&-" 2>/dev/null || true
    exec {input}>&- {output}<&-
    wait "$pid" || true
    exit "$status"`;
  try {
    execFileSync('bash', ['-uo', 'pipefail', '-c', command], { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    throw new Error(`${fault.name} cannot be installed: ${error.stderr ?? error}`);
  }
}

function commonBase(paths) {
  const parts = paths.map((path) => path.split('/'));
  let depth = 0;
  while (parts.every((part) => part[depth] !== undefined && part[depth] === parts[0][depth])) depth++;
  return parts[0].slice(0, depth).join('/');
}
