/** Runs `work` with some environment variables replaced (undefined removes one), and puts the old ones back. */
export async function withEnvironment<T>(
  variables: Readonly<Record<string, string | undefined>>,
  work: () => Promise<T>,
): Promise<T> {
  const before = Object.keys(variables).map((name): [string, string | undefined] => [name, process.env[name]]);
  assign(Object.entries(variables));
  try {
    return await work();
  } finally {
    assign(before);
  }
}

function assign(entries: [string, string | undefined][]): void {
  for (const [name, value] of entries) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
}
