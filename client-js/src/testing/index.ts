/**
 * What makes a bad day repeatable: seeded randomness, a clock that stands still, a network that loses things.
 *
 * @packageDocumentation
 */

export { processLocks } from '../locks.ts';
export { type MemoryStorage, memoryStorage } from '../storage/memory.ts';
export { type FakeClock, fakeClock, settle } from './clock.ts';
export {
  type CallRecord,
  type Fault,
  type FaultyTransport,
  type FaultyTransportOptions,
  faultyTransport,
  type NetworkConditions,
} from './faulty-transport.ts';
export { type FakeNetwork, fakeNetwork } from './network.ts';
export { seededRandom } from './random.ts';
