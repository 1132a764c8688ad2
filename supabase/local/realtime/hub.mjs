// Who has joined which topic.

/** @typedef {import('./channel.mjs').Channel} Channel */

export class Hub {
  /** @type {Map<string, Set<Channel>>} */
  #channelsByTopic = new Map();

  /** @param {Channel} channel */
  add(channel) {
    const channels = this.#channelsByTopic.get(channel.topic) ?? new Set();
    this.#channelsByTopic.set(channel.topic, channels.add(channel));
  }

  /** @param {Channel} channel */
  remove(channel) {
    const channels = this.#channelsByTopic.get(channel.topic);
    channels?.delete(channel);
    if (channels?.size === 0) this.#channelsByTopic.delete(channel.topic);
  }

  /** @param {import('./messages.mjs').Message} message */
  deliver(message) {
    for (const channel of this.#channelsByTopic.get(message.topic) ?? []) channel.send(message);
  }
}
