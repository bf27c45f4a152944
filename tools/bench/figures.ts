/** What a figure has to reach. */
export type Target = { readonly atLeast: number } | { readonly atMost: number };

/** One measured value. Without target it is there to be looked at. */
export interface Figure {
  readonly workload: string;
  readonly name: string;
  readonly value: number;
  /** `ms`, `/s`, `MiB` …, or '' for ratios and counts. */
  readonly unit: string;
  readonly target: Target | null;
}

/** True without a target; a value that could not be had (NaN) misses any. */
export function isMet({ value, target }: Figure): boolean {
  if (target === null) return true;
  return 'atLeast' in target ? value >= target.atLeast : value <= target.atMost;
}

/** Collects the figures of one workload. */
export class Figures {
  readonly all: Figure[] = [];
  readonly #workload: string;

  constructor(workload: string) {
    this.#workload = workload;
  }

  add(name: string, value: number, unit = '', target: Target | null = null): this {
    this.all.push({ workload: this.#workload, name, value, unit, target });
    return this;
  }
}
