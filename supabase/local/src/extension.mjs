// Builds and installs the extension pg_offline_sync when its sources are newer than what is
// installed, and sets it up in the database.

import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, constants, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pgConfig } from './cluster.mjs';
import { paths, repoRoot } from './paths.mjs';

const NAME = 'pg_offline_sync';

/** What the installed files are made from. */
const SOURCES = [
  'Cargo.toml',
  'Cargo.lock',
  'crates/core/Cargo.toml',
  'crates/core/src',
  'crates/model/Cargo.toml',
  'crates/model/src',
  'crates/train/Cargo.toml',
  'crates/train/src',
  'pg_offline_sync/Cargo.toml',
  'pg_offline_sync/pg_offline_sync.control',
  'pg_offline_sync/src',
  'sql',
];

/** STACK_EXTENSION=none leaves the extension out, to try the stack alone. */
export const withExtension = process.env.STACK_EXTENSION !== 'none';

/** @param {'--pkglibdir' | '--sharedir'} what */
const pgDirectory = (what) => execFileSync(pgConfig, [what], { encoding: 'utf8' }).trim();

/** Builds and installs the library, if a source file is newer. */
export function ensureInstalled() {
  const libraryDir = pgDirectory('--pkglibdir');
  if (newestChange(SOURCES.map((path) => join(repoRoot, path))) <= changedAt(libraryFile())) return;
  console.log(`building ${NAME}: its sources are newer than the installed library`);
  const args = ['pgrx', 'install', '--release', '--no-default-features', '--features', 'pg15'];
  if (!isWritable(libraryDir)) args.push('--sudo');
  const build = spawnSync('cargo', [...args, '--pg-config', pgConfig], {
    cwd: join(repoRoot, NAME),
    stdio: 'inherit',
  });
  if (build.error) throw build.error;
  if (build.status !== 0) throw new Error(`cargo pgrx install ended with ${build.status}`);
}

/**
 * Creates the extension in the database, its storage, and the synced tables. When other files
 * of the same version were installed since, the extension is made anew: its data stay, since
 * they do not belong to it, and `bootstrap` puts back what depended on it.
 *
 * @param {import('postgres').Sql} sql
 * @returns {Promise<boolean>} whether anything was done
 */
export async function ensureCreated(sql) {
  const digest = installedDigest();
  const [current] = await sql`
    select
      extension.extversion as version,
      available.default_version as available,
      applied.sha256 as digest
    from pg_available_extensions as available
    left join pg_extension as extension on extension.extname = available.name
    left join stack.applied_file as applied on applied.name = ${NAME}
    where available.name = ${NAME}
  `;
  if (!current) throw new Error(`${NAME} is not installed`);
  const upToDate = current.version === current.available && current.digest === digest;
  if (upToDate) return false;

  await sql.begin(async (transaction) => {
    if (current.version !== null && current.version !== current.available) {
      await transaction.unsafe(`alter extension ${NAME} update`);
    } else {
      await transaction.unsafe(`drop extension if exists ${NAME} cascade`);
      await transaction.unsafe(`create extension ${NAME}`);
    }
    // Storage belongs to the owner of the database, as the user's own tables do.
    await transaction`set local role postgres`;
    await transaction`select * from offline.bootstrap()`;
    await transaction`reset role`;
    await transaction`
      insert into stack.applied_file (name, sha256)
      values (${NAME}, ${digest})
      on conflict (name) do update
      set sha256 = excluded.sha256, applied_at = now()
    `;
  });
  return true;
}

/**
 * Makes the sample tables synced tables.
 *
 * @param {import('postgres').Sql} sql
 */
export async function enableSync(sql) {
  const statements = readFileSync(paths.enableSync, 'utf8');
  await sql.begin(async (transaction) => {
    await transaction`set local role postgres`;
    await transaction.unsafe(statements).simple();
  });
}

const libraryFile = () => join(pgDirectory('--pkglibdir'), `${NAME}.so`);

/** A hash of the installed library and SQL files. */
function installedDigest() {
  const hash = createHash('sha256').update(readFileSync(libraryFile()));
  const extensionDir = join(pgDirectory('--sharedir'), 'extension');
  for (const file of readdirSync(extensionDir).sort()) {
    if (file.startsWith(NAME)) hash.update(file).update(readFileSync(join(extensionDir, file)));
  }
  return hash.digest('hex');
}

/**
 * @param {string[]} roots files and directories
 * @returns {number} milliseconds since 1970
 */
function newestChange(roots) {
  return Math.max(
    ...roots.map((root) => {
      const status = statSync(root, { throwIfNoEntry: false });
      if (!status) return 0;
      if (!status.isDirectory()) return status.mtimeMs;
      const children = readdirSync(root).filter((name) => name !== 'target');
      return Math.max(0, newestChange(children.map((name) => join(root, name))));
    }),
  );
}

/** @param {string} file */
const changedAt = (file) => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;

/** @param {string} directory */
function isWritable(directory) {
  try {
    accessSync(directory, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
