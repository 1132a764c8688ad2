/**
 * Builds the core and the models as WASM into src/wasm/core.wasm and src/models/model.wasm, unless they are newer than
 * everything that they are made of.
 *
 * The standard library is built along, for size: from rustup's rust-src or from Debian's rustc-web. With rustup's
 * ready-made library for the target, where there is only that, the modules are a seventh larger.
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

function hasRustupSource() {
  const { status, stdout } = spawnSync('rustc', ['--print', 'sysroot']);
  return status === 0 && existsSync(join(String(stdout).trim(), 'lib/rustlib/src/rust/library/std'));
}

const FROM_SOURCE = {
  args: ['-Zbuild-std=std,panic_abort', '-Zbuild-std-features=optimize_for_size'],
  flags: ['-Zunstable-options', '-Cpanic=immediate-abort'],
};

function toolchain() {
  if (hasRustupTarget()) {
    if (!hasRustupSource()) return { cargo: 'cargo', args: [], env: {}, flags: [] };
    return {
      cargo: 'cargo',
      args: FROM_SOURCE.args,
      env: { RUSTC_BOOTSTRAP: '1' },
      flags: FROM_SOURCE.flags,
    };
  }
  if (Object.values(DEBIAN).every((path) => existsSync(path))) {
    return {
      cargo: DEBIAN.cargo,
      args: FROM_SOURCE.args,
      env: { RUSTC_BOOTSTRAP: '1', RUSTC: DEBIAN.rustc },
      flags: [`-Clinker=${DEBIAN.linker}`, ...FROM_SOURCE.flags],
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
