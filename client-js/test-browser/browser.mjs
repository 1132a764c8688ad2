/** Headless Chromium with a page of this package's build; used by the tests and by the benchmark. */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { chromium } from 'playwright-core';

const PACKAGE = new URL('../', import.meta.url);

const TYPES = {
  js: 'text/javascript',
  mjs: 'text/javascript',
  wasm: 'application/wasm',
  html: 'text/html',
  map: 'application/json',
};

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** What a bundler would have resolved. */
const [, importMap = ''] =
  /<script type="importmap">(.*?)<\/script>/s.exec(
    readFileSync(new URL('./page.html', import.meta.url), 'utf8'),
  ) ?? [];

/** The policy under which the page runs: what the README says is enough, and this page's import map. */
const CONTENT_POLICY = `default-src 'self'; script-src 'self' 'wasm-unsafe-eval' 'sha256-${createHash(
  'sha256',
)
  .update(importMap)
  .digest('base64')}'`;

async function serve() {
  const server = createServer(async (request, response) => {
    const path = new URL(request.url, 'http://localhost').pathname;
    const file = path === '/' ? 'test-browser/page.html' : path.slice(1);
    try {
      const body = await readFile(new URL(file, PACKAGE));
      response.writeHead(200, {
        'content-type': TYPES[file.split('.').at(-1)] ?? 'application/octet-stream',
        'content-security-policy': CONTENT_POLICY,
        'service-worker-allowed': '/',
      });
      response.end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

/** Opens the page. `close` ends the browser and the server. */
export async function openPage() {
  const server = await serve();
  const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
  const browser = await chromium.launch({ executablePath, headless: true, args: FLAGS });
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  return {
    page,
    async close() {
      await browser.close();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
