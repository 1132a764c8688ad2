/**
 * What the modules of this package have in common: how they are loaded, and how a request gets in and an answer out.
 * The other side is `wasm-abi`.
 */

import { OfflineError, type ServerError } from '../errors.ts';

/** What a call can need: the module, its bytes, or where to fetch it. */
export type WasmSource = WebAssembly.Module | BufferSource | URL | string;

/** What every module exports. */
export interface AbiExports {
  readonly memory: WebAssembly.Memory;
  abi_alloc(length: number): number;
  abi_free(at: number, length: number): void;
  abi_call(at: number, length: number): number;
}

/** Bytes before an answer: its length, little endian. */
const PREFIX = 4;

/**
 * A module and its instance. Refused arguments are an `OfflineError` `core_refused` with the server's SQLSTATE. A call
 * that the module cannot survive (out of memory, a fault of its own) is `core_failed`, and the next one gets a new
 * instance.
 */
export class WasmModule<Exports extends AbiExports = AbiExports> {
  readonly #module: WebAssembly.Module;
  #exports: Exports | null = null;
  #generation = 0;

  constructor(module: WebAssembly.Module) {
    this.#module = module;
  }

  /** The instance's exports. Anything kept in an instance is gone with it: see {@link generation}. */
  get exports(): Exports {
    this.#exports ??= new WebAssembly.Instance(this.#module).exports as unknown as Exports;
    return this.#exports;
  }

  /** Counts the instances that were given up. */
  get generation(): number {
    return this.#generation;
  }

  /** Any function of the module by name. */
  call<Out>(name: string, input: unknown): Out {
    return this.callText(name, JSON.stringify(input));
  }

  /** The same with an argument that is JSON text already. */
  callText<Out>(name: string, input: string): Out {
    const request = new TextEncoder().encode(`{"fn":${JSON.stringify(name)},"in":${input}}`);
    return this.send(name, request, ({ abi_call }, at, length) => abi_call(at, length));
  }

  /** Hands bytes to an export that answers as `abi_call` does. */
  send<Out>(
    name: string,
    bytes: Uint8Array,
    ask: (exports: Exports, at: number, length: number) => number,
  ): Out {
    const text = this.guard(name, (exports) => exchange(exports, bytes, ask));
    const answer: Answer<Out> = JSON.parse(text);
    if (answer.error === undefined) return answer.out as Out;
    const { code, message, detail = null, hint = null } = answer.error;
    throw new OfflineError('core_refused', message, { server: { code, message, detail, hint } });
  }

  /** Runs `work` on the instance, and gives the instance up when it fails. */
  guard<Out>(name: string, work: (exports: Exports) => Out): Out {
    try {
      return work(this.exports);
    } catch (cause) {
      // Whatever state it is in, it is not to be trusted.
      this.#exports = null;
      this.#generation += 1;
      throw new OfflineError('core_failed', name, { cause });
    }
  }
}

interface Answer<Out> {
  readonly out?: Out;
  readonly error?: Pick<ServerError, 'code' | 'message'> & {
    readonly detail?: string;
    readonly hint?: string;
  };
}

function exchange<Exports extends AbiExports>(
  exports: Exports,
  request: Uint8Array,
  ask: (exports: Exports, at: number, length: number) => number,
): string {
  const { memory, abi_alloc, abi_free } = exports;
  // Addresses are unsigned, but arrive as signed numbers.
  const at = abi_alloc(request.length) >>> 0;
  if (at === 0) throw new RangeError('out of memory');
  new Uint8Array(memory.buffer, at, request.length).set(request);
  const answered = ask(exports, at, request.length) >>> 0;
  if (answered === 0) throw new RangeError('out of memory');
  // The call may have grown the memory, which gives it another buffer.
  const length = new DataView(memory.buffer).getUint32(answered, true);
  const text = new TextDecoder().decode(new Uint8Array(memory.buffer, answered + PREFIX, length));
  abi_free(at, request.length);
  abi_free(answered, PREFIX + length);
  return text;
}

/** Compiles a module, which may have to be fetched. A page with a content security policy needs `'wasm-unsafe-eval'`. */
export async function compile(source: WasmSource): Promise<WebAssembly.Module> {
  if (source instanceof WebAssembly.Module) return source;
  const bytes = typeof source === 'string' || source instanceof URL ? await read(source) : source;
  return WebAssembly.compile(bytes);
}

async function read(source: URL | string): Promise<BufferSource> {
  if (source instanceof URL && source.protocol === 'file:') {
    // Node, whose fetch() knows no files.
    const { readFile } = process.getBuiltinModule('node:fs/promises');
    return new Uint8Array(await readFile(source));
  }
  const response = await fetch(source);
  if (!response.ok) throw new OfflineError('core_failed', `${response.status} ${response.url}`);
  return response.arrayBuffer();
}
