// Builds the extension and installs it into the Postgres that PG_CONFIG names, if its sources are
// newer than what is installed there.

import { ensureInstalled } from './src/extension.mjs';

ensureInstalled();
