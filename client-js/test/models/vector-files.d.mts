export interface VectorFile {
  readonly name: string;
  readonly artifact: string | null;
  readonly cases: readonly {
    readonly name: string;
    readonly fn: string;
    readonly in: object;
    readonly out: unknown;
  }[];
}

export function vectorFiles(): VectorFile[];
export function wrong(file: VectorFile, found: readonly unknown[]): string[];
