/**
 * Builds the core and the models as WASM into src/wasm/core.wasm and src/models/model.wasm, unless they are newer than
 * everything that they are made of.
 *
 * With rustup's wasm32-unknown-unknown target where there is one; else with Debian's rustc-web, which brings the
 * standard library as source and has it built along.
 */

import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, readdirSync, statSync, utimesSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const TARGET = 'wasm32-unknown-unknown';
const DEBIAN = { cargo: '/usr/bin/cargo', rustc: '/usr/bin/rustc', linker: '/usr/lib/llvm-19/bin/wasm-ld' };

/** A call that needs more memory than this ends with an error instead of taking the page with it. */
const MEMORY_BYTES_MAX = 256 * 1024 * 1024;

const client = join(dirname(fileURLToPath(import.meta.url)), '..');
const root = join(client, '..');

const SHARED = ['Cargo.toml', 'client-js/Cargo.toml', 'client-js/Cargo.lock', 'client-js/wasm-abi'];

const MODULES = [
  {
    crate: 'offline_sync_wasm',
    output: 'src/wasm/core.wasm',
    sources: ['crates/core', 'client-js/wasm', ...SHARED],
  },
  {
    crate: 'offline_sync_wasm_model',
    output: 'src/models/model.wasm',
    sources: ['crates/model', 'client-js/wasm-model', ...SHARED],
  },
];

function newest(path) {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(...readdirSync(path).map((name) => newest(join(path, name))));
}

function isFresh({ output, sources }) {
  const path = join(client, output);
  if (!existsSync(path)) return false;
  const built = statSync(path).mtimeMs;
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

function build({ crate, output }) {
  const { cargo, args, env, flags } = toolchain();
  // A target folder of its own: another compiler's artefacts there would be built anew each time.
  const target = join(process.env.CARGO_TARGET_DIR ?? join(root, 'target'), 'wasm');
  const what = ['--package', crate, '--lib', '--target', TARGET, '--target-dir', target];
  const built = spawnSync(cargo, ['build', '--release', '--locked', ...what, ...args], {
    cwd: client,
    stdio: 'inherit',
    env: {
      ...process.env,
      ...env,
      RUSTFLAGS: [...flags, `-Clink-arg=--max-memory=${MEMORY_BYTES_MAX}`].join(' '),
    },
  });
  if (built.error !== undefined) throw built.error;
  if (built.status !== 0) process.exit(built.status ?? 1);
  const path = join(client, output);
  copyFileSync(join(target, TARGET, 'release', `${crate}.wasm`), path);
  const now = new Date();
  utimesSync(path, now, now);
}

for (const module of MODULES) if (!isFresh(module)) build(module);
