import { loadCore } from '/dist/wasm.js';

self.addEventListener('install', () => self.skipWaiting());
self.addEventListener('message', (event) => {
  const answer = loadCore().then((core) => event.ports[0].postMessage(core.tick('0', event.data)));
  event.waitUntil(answer);
});
