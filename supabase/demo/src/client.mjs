// The client library as an app gets it: built. `npm --prefix client-js run build` makes it.

export { createOfflineClient, memoryStorage, table } from '../../../client-js/dist/index.js';
export { seededRandom } from '../../../client-js/dist/testing.js';
