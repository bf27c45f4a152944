/**
 * The smallest value that at least `share` (0 to 1) of all values do not exceed (nearest rank). NaN if there are no
 * values.
 */
export function percentile(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

/** The {@link percentile} of each figure by itself. All records have the same figures. */
export function percentileOfEach<Name extends string>(
  records: readonly Readonly<Record<Name, number>>[],
  share: number,
): Record<Name, number> {
  const names = Object.keys(records[0] ?? {}) as Name[];
  const figures = names.map((name) => {
    const values = records.map((record) => record[name]);
    return [name, percentile(values, share)];
  });
  return Object.fromEntries(figures) as Record<Name, number>;
}
