import { defineConfig } from 'tsdown';

export default defineConfig({
  entry: {
    index: 'src/index.ts',
    testing: 'src/testing/index.ts',
    wasm: 'src/wasm/index.ts',
    models: 'src/models/index.ts',
  },
  format: 'esm',
  platform: 'neutral',
  target: 'es2022',
  dts: true,
  clean: true,
  copy: ['src/wasm/core.wasm', 'src/models/model.wasm'],
  outExtensions: () => ({ js: '.js', dts: '.d.ts' }),
});
