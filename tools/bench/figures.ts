/** The target of a figure. */
export type Target = { readonly atLeast: number } | { readonly atMost: number };

/** One measured value. Without a target it is only information. */
export interface Figure {
  readonly workload: string;
  readonly name: string;
  readonly value: number;
  /** `ms`, `/s`, `MiB` …, or '' for ratios and counts. */
  readonly unit: string;
  readonly target: Target | null;
}

/** True without a target. A value that could not be measured (NaN) misses any target. */
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
