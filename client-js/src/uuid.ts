/** Ids made on the device: unique without asking anyone, and sorted by time, which keeps database indexes compact. */

const VERSION_7 = 0x70;
const VARIANT = 0x80;

/** A UUIDv7 of this millisecond. `random` is uniform in [0, 1). */
export function uuidV7(nowMs: number, random: () => number): string {
  const bytes = Array.from({ length: 16 }, () => Math.floor(random() * 256));
  let millis = Math.max(0, Math.trunc(nowMs));
  for (let i = 5; i >= 0; i -= 1) {
    bytes[i] = millis % 256;
    millis = Math.floor(millis / 256);
  }
  bytes[6] = VERSION_7 | ((bytes[6] ?? 0) & 0x0f);
  bytes[8] = VARIANT | ((bytes[8] ?? 0) & 0x3f);
  const hex = bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
