// Whether the Node that runs this program can ask a trace safely: SQLite's authorizer came with 24.10, its limits, which
// hold a stranger's SQL back, with 24.15. An older one would answer `initialize` and then nothing else.

const OLDEST = [24, 15] as const;

/** A sentence when `version` ("24.15.0") is too old, undefined when it will do. */
export function unfitNode(version: string): string | undefined {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return undefined;
  return (
    `Wakechain's MCP server needs Node ${OLDEST.join('.')} or newer, and this is Node ${version}. ` +
    `Name a newer one as the command of the server: VS Code has one of its own and needs no other, ` +
    `and in a checkout of Wakechain it is node_modules/.bin/node.`
  );
}
