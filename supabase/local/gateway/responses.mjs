// What the gateway answers by itself.

/** @typedef {import('node:http').IncomingMessage} IncomingMessage */
/** @typedef {import('node:http').ServerResponse} ServerResponse */

/**
 * Allows whatever a browser asks for: access is decided by keys and tokens, not by origin.
 *
 * @param {IncomingMessage} request
 * @param {ServerResponse} response
 */
export function answerPreflight(request, response) {
  response.writeHead(204, {
    'access-control-allow-origin': '*',
    'access-control-allow-methods': 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS',
    'access-control-allow-headers': request.headers['access-control-request-headers'] ?? '*',
    'access-control-max-age': '3600',
  });
  response.end();
}

/**
 * @param {ServerResponse} response
 * @param {number} status
 * @param {object} body
 */
export function answerJson(response, status, body) {
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'access-control-allow-origin': '*',
  });
  response.end(JSON.stringify(body));
}
