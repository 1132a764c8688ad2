// The frames of the Realtime protocol, versions 1.0.0 and 2.0.0.

/**
 * @typedef {object} Frame
 * @property {string | null} joinRef
 * @property {string | null} ref
 * @property {string} topic
 * @property {string} event
 * @property {any} payload
 *
 * @typedef {'1.0.0' | '2.0.0'} ProtocolVersion
 */

/** Kind byte of a client's broadcast in the binary form that 2.0.0 uses for it. */
const USER_BROADCAST_PUSH = 3;

/** Kind, five lengths of one byte each, encoding. */
const PUSH_HEADER_BYTES = 7;

/**
 * @param {string | null} version as asked for; absent means 1.0.0
 * @returns {ProtocolVersion | null} null when it is not spoken here
 */
export function protocolVersion(version) {
  const wanted = version ?? '1.0.0';
  return wanted === '1.0.0' || wanted === '2.0.0' ? wanted : null;
}

/**
 * @param {ProtocolVersion} version
 * @param {Buffer} data
 * @param {boolean} isBinary
 * @returns {Frame | null} null when it is not a frame
 */
export function decodeFrame(version, data, isBinary) {
  if (isBinary) return version === '2.0.0' ? decodePush(data) : null;
  let message;
  try {
    message = JSON.parse(data.toString('utf8'));
  } catch {
    return null;
  }
  const frame = Array.isArray(message)
    ? fromParts(message[0], message[1], message[2], message[3], message[4])
    : fromParts(message?.join_ref, message?.ref, message?.topic, message?.event, message?.payload);
  return typeof frame.topic === 'string' && typeof frame.event === 'string' ? frame : null;
}

/**
 * @param {ProtocolVersion} version
 * @param {Frame} frame
 * @returns {string}
 */
export function encodeFrame(version, { joinRef, ref, topic, event, payload }) {
  return JSON.stringify(
    version === '2.0.0'
      ? [joinRef, ref, topic, event, payload]
      : { join_ref: joinRef, ref, topic, event, payload },
  );
}

/**
 * @param {any} joinRef
 * @param {any} ref
 * @param {any} topic
 * @param {any} event
 * @param {any} payload
 * @returns {Frame}
 */
const fromParts = (joinRef, ref, topic, event, payload) => ({
  joinRef: joinRef ?? null,
  ref: ref ?? null,
  topic,
  event,
  payload: payload ?? {},
});

/** @param {Buffer} data */
function decodePush(data) {
  if (data.length < PUSH_HEADER_BYTES || data[0] !== USER_BROADCAST_PUSH) return null;
  const [joinRefLength, refLength, topicLength, eventLength, metadataLength] = data.subarray(1);
  const lengths = [joinRefLength, refLength, topicLength, eventLength, metadataLength];
  let offset = PUSH_HEADER_BYTES;
  const [joinRef, ref, topic, event] = lengths.map((length) => {
    const text = data.toString('utf8', offset, offset + length);
    offset += length;
    return text;
  });
  if (offset > data.length) return null;
  // What was to be sent is not looked at: clients may not send.
  return fromParts(joinRef || null, ref || null, topic, 'broadcast', { event });
}
