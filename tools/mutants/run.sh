#!/usr/bin/env bash
# Deliberate faults, and the tests that notice them; see docs/mutants.md. Arguments: [--json] [--only core|sql] [name …]
# Nothing of the work tree or of the installed Postgres is changed: faults of the core go into a copy of the sources, those of
# the SQL into a copy of Postgres. The extension of this work tree must be installed in the Postgres that PG_CONFIG names.
set -euo pipefail
exec node "$(dirname "${BASH_SOURCE[0]}")/run.mjs" "$@"
