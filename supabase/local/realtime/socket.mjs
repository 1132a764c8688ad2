// One client's socket: answers its frames.

import { Channel, JoinRefused } from './channel.mjs';
import { decodeFrame, encodeFrame } from './frames.mjs';

const TOPIC_PREFIX = 'realtime:';

/** @typedef {import('./frames.mjs').Frame} Frame */

export class Socket {
  /** @type {Map<string, Channel>} by topic as on the wire */
  #channels = new Map();
  /** Frames are handled one after the other, so that a leave never overtakes its join. */
  #queue = Promise.resolve();

  /**
   * @param {object} options
   * @param {import('ws').WebSocket} options.connection
   * @param {import('./frames.mjs').ProtocolVersion} options.version
   * @param {string} options.apiKey stands in for the token of a client that gives none
   * @param {Record<string, unknown>} options.headers
   * @param {import('./server.mjs').RealtimeContext} options.context
   */
  constructor({ connection, version, apiKey, headers, context }) {
    this.connection = connection;
    this.version = version;
    this.apiKey = apiKey;
    this.headers = headers;
    this.context = context;
    connection.on('message', (data, isBinary) => {
      const frame = decodeFrame(version, /** @type {Buffer} */ (data), isBinary);
      if (!frame) return;
      this.#queue = this.#queue
        .then(() => this.#handle(frame))
        .catch((error) => this.#fail(frame, error));
    });
    connection.on('close', () => this.#closeChannels());
    connection.on('error', (error) => console.warn('socket:', error.message));
  }

  /** @param {Frame} frame */
  async #handle(frame) {
    if (frame.topic === 'phoenix' && frame.event === 'heartbeat') return this.#reply(frame, 'ok');
    if (frame.event === 'phx_join') return this.#join(frame);
    const channel = this.#channels.get(frame.topic);
    if (!channel) return this.#reply(frame, 'error', { reason: 'unmatched topic' });
    switch (frame.event) {
      case 'phx_leave':
        this.#reply(frame, 'ok');
        return channel.close();
      case 'access_token':
        return channel.renew(frame.payload.access_token);
      default:
        return this.#reply(frame, 'error', {
          reason: `Unauthorized: this stack takes no ${frame.event} from clients`,
        });
    }
  }

  /** @param {Frame} frame */
  async #join(frame) {
    this.#channels.get(frame.topic)?.close();
    const { topic, joinRef, ref } = frame;
    const channel = new Channel({
      topic: topic.slice(TOPIC_PREFIX.length),
      joinRef: joinRef ?? ref,
      token: this.#tokenOf(frame.payload),
      headers: this.headers,
      context: this.context,
      push: (event, payload, refs) => this.#send({ topic, event, payload, ...refs }),
      onClose: () => this.#forget(topic, channel),
    });
    try {
      checkJoin(topic, frame.payload.config);
      await channel.open();
    } catch (error) {
      if (!(error instanceof JoinRefused)) throw error;
      return this.#reply(frame, 'error', { reason: error.reason });
    }
    if (this.connection.readyState !== this.connection.OPEN) return channel.close();
    this.#channels.set(topic, channel);
    this.#reply(frame, 'ok', { postgres_changes: [] });
    if (frame.payload.config?.broadcast?.replication_ready) {
      channel.notify('ok', 'Replication connection established');
    }
  }

  /** @param {{ access_token?: unknown }} payload */
  #tokenOf({ access_token: token }) {
    const given = typeof token === 'string' && !token.startsWith('sb_');
    return given ? token : this.apiKey;
  }

  /**
   * @param {string} topic
   * @param {Channel} channel
   */
  #forget(topic, channel) {
    if (this.#channels.get(topic) === channel) this.#channels.delete(topic);
  }

  #closeChannels() {
    for (const channel of [...this.#channels.values()]) channel.close();
  }

  /**
   * @param {Frame} frame
   * @param {unknown} error
   */
  #fail(frame, error) {
    console.error(`${frame.event} on ${frame.topic} failed:`, error);
    this.#reply(frame, 'error', { reason: 'UnknownErrorOnChannel: Unknown Error on Channel' });
  }

  /**
   * @param {Frame} frame
   * @param {'ok' | 'error'} status
   * @param {object} [response]
   */
  #reply({ joinRef, ref, topic }, status, response = {}) {
    this.#send({ joinRef, ref, topic, event: 'phx_reply', payload: { status, response } });
  }

  /** @param {Frame} frame */
  #send(frame) {
    if (this.connection.readyState !== this.connection.OPEN) return;
    this.connection.send(encodeFrame(this.version, frame));
  }
}

/**
 * @param {string} topic as on the wire
 * @param {any} config
 * @throws {JoinRefused} when the join asks for what this stack does not have
 */
function checkJoin(topic, config) {
  if (!topic.startsWith(TOPIC_PREFIX) || topic.length === TOPIC_PREFIX.length) {
    throw new JoinRefused('TopicNameRequired', 'You must provide a topic name');
  }
  if (config?.private !== true) {
    throw new JoinRefused('PrivateOnly', 'This project only allows private channels');
  }
  if (config.postgres_changes?.length > 0) {
    throw new JoinRefused('RealtimeDisabledForConfiguration', 'This stack has no Postgres changes');
  }
  if (config.presence?.enabled) {
    throw new JoinRefused('RealtimeDisabledForConfiguration', 'This stack has no presence');
  }
  if (config.broadcast?.replay) {
    throw new JoinRefused('UnableToReplayMessages', 'This stack does not replay messages');
  }
}
