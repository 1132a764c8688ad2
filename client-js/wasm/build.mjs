/**
 * Builds the core as WASM into src/wasm/core.wasm, unless it is newer than everything that it is made of.
 *
 * With rustup's wasm32-unknown-unknown target where there is one; else with Debian's rustc-web, which brings the
 * standard library as source and has it built along.
 */

import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, readdirSync, statSync, utimesSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const TARGET = 'wasm32-unknown-unknown';
const LIBRARY = 'offline_sync_wasm.wasm';
const DEBIAN = { cargo: '/usr/bin/cargo', rustc: '/usr/bin/rustc', linker: '/usr/lib/llvm-19/bin/wasm-ld' };

/** A call that needs more memory than this ends with an error instead of taking the page with it. */
const MEMORY_BYTES_MAX = 256 * 1024 * 1024;

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '../..');
const output = join(here, '../src/wasm/core.wasm');
const sources = ['crates/core/src', 'crates/core/Cargo.toml', 'Cargo.toml', 'client-js/wasm/src'].concat(
  ['Cargo.toml', 'Cargo.lock', 'build.mjs'].map((name) => `client-js/wasm/${name}`),
);

function newest(path) {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(...readdirSync(path).map((name) => newest(join(path, name))));
}

function isFresh() {
  if (!existsSync(output)) return false;
  const built = statSync(output).mtimeMs;
  return sources.every((source) => newest(join(root, source)) <= built);
}

function hasRustupTarget() {
  const { status, stdout } = spawnSync('rustc', ['--print', 'target-libdir', '--target', TARGET]);
  return status === 0 && existsSync(String(stdout).trim());
}

function toolchain() {
  if (hasRustupTarget()) return { cargo: 'cargo', args: [], env: {}, flags: [] };
  if (Object.values(DEBIAN).every((path) => existsSync(path))) {
    const env = { RUSTC_BOOTSTRAP: '1', RUSTC: DEBIAN.rustc };
    const flags = [`-Clinker=${DEBIAN.linker}`, '-Zunstable-options', '-Cpanic=immediate-abort'];
    return {
      cargo: DEBIAN.cargo,
      args: ['-Zbuild-std=std,panic_abort', '-Zbuild-std-features=optimize_for_size'],
      env,
      flags,
    };
  }
  throw new Error(
    `no compiler for ${TARGET}: run tools/setup/wasm.sh, or "rustup target add ${TARGET}", or install Debian's rustc-web, cargo-web, rust-web-src and lld-19`,
  );
}

if (!isFresh()) {
  const { cargo, args, env, flags } = toolchain();
  // A target folder of its own: another compiler's artefacts there would be built anew each time.
  const target = join(process.env.CARGO_TARGET_DIR ?? join(root, 'target'), 'wasm');
  const built = spawnSync(
    cargo,
    ['build', '--release', '--locked', '--lib', '--target', TARGET, '--target-dir', target, ...args],
    {
      cwd: here,
      stdio: 'inherit',
      env: {
        ...process.env,
        ...env,
        RUSTFLAGS: [...flags, `-Clink-arg=--max-memory=${MEMORY_BYTES_MAX}`].join(' '),
      },
    },
  );
  if (built.error !== undefined) throw built.error;
  if (built.status !== 0) process.exit(built.status ?? 1);
  copyFileSync(join(target, TARGET, 'release', LIBRARY), output);
  const now = new Date();
  utimesSync(output, now, now);
}
